"""An index as the retriever of a LangChain chain: passages → prompt → chat model → text.

Run:  python examples/langchain_chain.py "how long is a gift card valid?"
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from langchain_core.documents import Document
from langchain_core.language_models import BaseChatModel, FakeListChatModel
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import Runnable, RunnableParallel, RunnablePassthrough

from apps.build import opened_index, opened_intents
from apps.langchain import PassageRetriever, predictor_of
from finetune.intent.model import IntentPrediction
from retrieval.protocols import Retriever

PROMPT = ChatPromptTemplate.from_template(
    "Answer the customer from these passages alone. Where they do not tell, say so.\n\n"
    "{passages}\n\nCustomer: {question}"
)


def chain_of(retriever: Retriever, model: BaseChatModel, k: int = 3) -> Runnable[str, str]:
    """A question → the model's answer from the best k passages."""
    passages = PassageRetriever(retriever=retriever, k=k) | joined
    return (
        {"passages": passages, "question": RunnablePassthrough()}
        | PROMPT
        | model
        | StrOutputParser()
    )


def joined(documents: list[Document]) -> str:
    """The passages as they stand in the prompt, each with its source."""
    return "\n\n".join(f"[{d.metadata['source']}] {d.page_content}" for d in documents)


def with_intent(
    chain: Runnable[str, str], intents: Runnable[str, IntentPrediction]
) -> Runnable[str, dict[str, object]]:
    """Both of one question: our models are steps like any others."""
    return RunnableParallel(answer=chain, intent=intents)


def main(arguments: Sequence[str] | None = None) -> None:
    """Ask once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("question")
    parser.add_argument("--index", type=Path, default=Path("indexes/support"))
    parser.add_argument("--run", type=Path, default=Path("runs/intent"))
    given = parser.parse_args(arguments)
    # A real one, on your own machine: any server with OpenAI's protocol, and the extra `openai`.
    #   from langchain_openai import ChatOpenAI
    #   model = ChatOpenAI(base_url="http://localhost:8001/v1", api_key="none", model="NAME")
    model = FakeListChatModel(responses=["(a chat model's answer would stand here)"])
    chain = chain_of(opened_index(given.index, 2), model)
    both = with_intent(chain, predictor_of(opened_intents(given.run, 2)))
    found = both.invoke(given.question)
    print(found["answer"])
    print(found["intent"])


if __name__ == "__main__":
    main()
