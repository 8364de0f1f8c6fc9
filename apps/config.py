"""An app's config file: its template, its runs, its index."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, get_args

from pydantic import Field

from apps.customer_service.config import CostsConfig
from apps.generation.config import GenerateConfig
from apps.hours import HoursConfig
from apps.store import DEFAULT_URL
from data.config import Config, load_config
from data.encoders import DEFAULT_ENCODER
from data.errors import ConfigError

AppName = Literal["customer_service", "faq", "summarizer", "email_triage", "review"]
SHIPPED = Path(__file__).parent


class RunsConfig(Config):
    """Trained runs by task; paths from the working directory."""

    intent: Path = Path("runs/intent")
    ner: Path = Path("runs/ner")
    summary: Path = Field(
        Path("runs/summary"), description="summarizer: a scorer of sentences, used where it exists"
    )
    writer: Path | None = Field(
        None, description="summarizer: a summary run that writes the two sentences; null: quoted"
    )
    sentiment: Path = Field(
        Path("runs/sentiment"), description="summarizer: an intent run of the three moods, likewise"
    )
    mood: Path | None = Field(None, description="an intent run; its label `upset` is anger")


class AppConfig(Config):
    """One app."""

    app: AppName
    runs: RunsConfig = RunsConfig()
    index: Path = Field(Path("indexes/support"), description="from the working directory")
    encoder: str = Field(DEFAULT_ENCODER, description="for apps without an index")
    workflows: Path = Field(Path("workflows.yaml"), description="from the config file's folder")
    store: str = Field(DEFAULT_URL, description="database URL")
    store_days: int | None = Field(
        365,
        ge=1,
        le=36_500,
        description="how long a conversation is kept after its last turn; null: for ever",
    )
    orders: Path | None = Field(None, description="a table of orders, copied in at first start")
    hours: HoursConfig | None = Field(None, description="when colleagues take conversations")
    generate: GenerateConfig = GenerateConfig()
    threads: int = Field(2, ge=1, description="CPU threads of one model call")
    examples: tuple[str, ...] = ()
    explain: bool | None = Field(
        None,
        description="whether the page shows how an answer came about; null: where only this "
        "machine reaches it",
    )
    answers: Path = Field(
        Path("runs/answers.json"),
        description="customer service: what `deskhand fit` has written, used where it exists",
    )
    costs: CostsConfig = Field(
        CostsConfig(), description="customer service: what `deskhand fit` weighs"
    )
    region: str = Field("GB", description="review: of phone numbers without a country code")
    teams: dict[str, str] = Field({}, description="of email triage: which team an intent is for")
    other_team: str = Field("front desk", description="who gets what `teams` does not name")


def app_config(app: str, overrides: Sequence[str] = ()) -> tuple[AppConfig, Path]:
    """The config of a template's name or of a config file, and the folder it lies in.

    Raises:
        ConfigError: If there is no such template or file, or a line of it is wrong.
    """
    path = Path(app)
    if path.suffix not in (".yaml", ".yml"):
        path = SHIPPED / app / "config.yaml"
        if not path.exists():
            raise ConfigError(
                f"{app}: no such app; {', '.join(get_args(AppName))} or a config file"
            )
    return load_config(AppConfig, path, overrides), path.parent
