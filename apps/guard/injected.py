"""Texts that speak to the machine that reads them rather than to a customer."""

import re

_ORDERS = re.compile(
    # English: to forget what it was told, to be something else, to say or show something
    r"\b(?:ignore|disregard|forget|override|bypass)\b.{0,30}\b(?:instructions?|rules|above"
    r"|previous|prompt|question|"
    r"everything|guidelines|polic(?:y|ies)|safety)\b"
    r"|\b(?:system|your|the|hidden|initial) prompt\b|\breveal\b.{0,30}\b(?:instructions|prompt"
    r"|rules)\b"
    r"|(?:^|[>\n\]\u200b])\s*(?:system|assistant|agent|customer|user|human|ai|prompt"
    r"|instructions?)\s*(?:prompt\s*)?[:：]"
    r"|^\s*(?:dear )?(?:assistant|chatbot|bot|ai)\s*,|\b(?:note|message|instructions?) (?:to"
    r"|for) "
    r"(?:the |any )?(?:assistant|chatbot|bot|ai|model)\b"
    r"|\b(?:you are|act as|pretend to be|behave as) (?:now )?(?:an? )?"
    r"(?:ai|pirate|language model|assistant|dan|\w+bot)\b"
    r"|\bfrom now on\b,? (?:you (?:are|must|only|will|say)|your answers?|answer)\b|\b(?:ai"
    r"|large) "
    r"language model\b|\b(?:developer|maintenance|debug|god) mode\b"
    r"|(?:^|[.!?:,\n]\s*|\b(?:and|must|always|then) )tell (?:the |any |every )?(?:customers?"
    r"|users?|readers?|people)\b"
    r"|\b(?:give|offer|recommend) (?:the |any |every )?(?:readers?|users?)\b|^\s*promise\b"
    r"|\b(?:reply|respond|answer) (?:only (?:with|in)|with the (?:word|phrase|sentence|following)"
    r"|to the user)\b|\boutput the following\b|\byou must (?:say|answer|reply|tell|offer)\b"
    r"|\bdo not answer\b|\bask for (?:their|his|her) (?:current )?(?:password|card)"
    # the marks of prompts
    r"|<\|[a-z_]+\|>|\[/?INST\]|<</?SYS>>|#{2,}\s*(?:instruction|response|system)|<!--"
    r"|display:\s*none|\[system\]"
    # Chinese
    r"|忽略.{0,12}(?:指令|规则|提示|以上)|系统(?:提示|消息|指令)?\s*[:：]|你现在是|从现在起|提示词|告诉(?:客户|用户)",
    re.IGNORECASE,
)


def speaks_to_machine(text: str) -> bool:
    """Whether a passage holds orders to a model, or marks of a prompt.

    Such a passage backs nothing and is not quoted: whoever wrote it did not write for customers.
    """
    return bool(_ORDERS.search(text))
