#!/bin/sh
# The whole path in a folder of its own, with as little training as there can be.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
deskhand() { "$BIN/deskhand" "$@"; }
deskhand prepare "$SAMPLES/conversations.jsonl" --out var/samples
deskhand train intent --data "$SAMPLES/turns" --out runs/intent --set optim.max_steps=2
deskhand train ner --data "$SAMPLES/turns" --out runs/ner --set optim.max_steps=2
deskhand train reply --data var/samples --out runs/reply --set optim.max_steps=2 \
    --set reply.hard_negatives=0
deskhand index "$SAMPLES/faq.md" "$SAMPLES/policies" var/samples/train.jsonl --out indexes/support \
    --questions "$SAMPLES/questions/train.jsonl" --fit "$SAMPLES/questions/fit.jsonl"
deskhand ask customer_service "where is my order FK-219044?"
deskhand ask faq "how long is a gift card valid?"
echo "smoke: all of it ran"
