"""What the customer service bot's decisions cost."""

from pydantic import Field, model_validator

from data.config import Config


class CostsConfig(Config):
    """What `deskhand fit` weighs, each in hand-overs that are not needed."""

    hand_over: float = Field(1.0, gt=0, description="a person takes what could be answered")
    wrong: float = Field(2.5, gt=0, description="a wrong answer; more than a hand-over")
    beside: float = Field(0.3, gt=0, description="a passage beside the answer that is not needed")

    @model_validator(mode="after")
    def _wrong_costs_more(self) -> "CostsConfig":
        if self.wrong <= self.hand_over:
            raise ValueError("wrong must be more than hand_over, or all would be answered")
        return self
