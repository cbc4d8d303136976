"""The form of a catalogue file: keys, types, ranges. pydantic checks it and writes its JSON Schema.

The docstrings of the fields are the schema's descriptions: editors show them. null is as good as a
missing key, as in the Go service. What keys must be to each other is in `between_keys` and
`between_goals`.
"""

from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    WithJsonSchema,
)
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from app.domain.goal import ID_LENGTH_MAX, INT32_MAX, Mode, Schedule, Source

CHALLENGES_MAX: Final = 1_000
GOALS_MAX: Final = 10_000
PREREQUISITES_MAX: Final = 100
TEXT_LENGTH_MAX: Final = 1_000

# `/v1/challenges/initialize` is a route.
RESERVED_CHALLENGE_ID: Final = "initialize"

# Texts may have paragraphs.
TEXT_PATTERN: Final = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$"
ID_PATTERN: Final = r"^[^\x00-\x1f\x7f-\x9f]*$"
SEGMENT_PATTERN: Final = r"^[^/\x00-\x1f\x7f-\x9f]*$"

ROTATES: Final = "rotates"
STAYS: Final = "stays"


def _no_relative_path(segment: str) -> str:
    if segment in {".", ".."}:
        raise PydanticCustomError("relative_path", "must not be a relative path")
    return segment


def _no_route(challenge_id: str) -> str:
    if challenge_id == RESERVED_CHALLENGE_ID:
        raise PydanticCustomError("reserved", "must not be a route")
    return challenge_id


Text = Annotated[str, Field(max_length=TEXT_LENGTH_MAX, pattern=TEXT_PATTERN)]
Name = Annotated[Text, Field(min_length=1)]
Some = Annotated[str, Field(min_length=1)]
Id = Annotated[str, Field(min_length=1, max_length=ID_LENGTH_MAX, pattern=ID_PATTERN)]
Segment = Annotated[
    str,
    Field(
        min_length=1,
        max_length=ID_LENGTH_MAX,
        pattern=SEGMENT_PATTERN,
        json_schema_extra={"not": {"enum": [".", ".."]}},
    ),
    AfterValidator(_no_relative_path),
]
Count = Annotated[int, Field(ge=1, le=INT32_MAX)]


class _Form(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_camel,
        extra="forbid",
        model_title_generator=lambda form: form.__name__.removesuffix("Form"),
        frozen=True,
        strict=True,
        use_attribute_docstrings=True,
        # Built when a catalogue is read, and not in commands that read none.
        defer_build=True,
    )


class RequirementForm(_Form):
    """What has to be reached."""

    stat_code: Id
    """The statistic that counts, as events name it. Every login counts for every goal of logins."""

    operator: Literal[">="]
    """There is no other."""

    target_value: Count
    """The goal is completed when its progress reaches it."""

    progress_mode: Annotated[
        Annotated[Mode, Field(strict=False)] | None,
        # The Go service writes no mode as an empty text.
        BeforeValidator(lambda value: None if value == "" else value),
        WithJsonSchema({"enum": [*Mode, "", None]}),
    ] = Mode.ABSOLUTE
    """A statistic's value, or what it gained since the goal began. Logins are always relative."""


class RewardForm(_Form):
    """What a claim grants."""

    type: Literal["ITEM", "WALLET"]
    """An item, or a currency."""

    reward_id: Id
    """Which one, as the reward provider knows it."""

    quantity: Count
    """How many of it."""


class OnExpiryForm(_Form):
    """What becomes of the goal when it rotates."""

    reset_progress: bool | None = False
    """Whether progress and completion begin anew. A reward not claimed by then is forfeited."""

    allow_reselection: bool | None = False
    """Whether the reward can be claimed again in each period. Needs `resetProgress`."""


class RotatingForm(_Form):
    """The goal rotates."""

    enabled: Annotated[bool, WithJsonSchema({"const": True})]
    """Whether the goal rotates."""

    type: Literal["global"]
    """It rotates for all players at once."""

    schedule: Annotated[Schedule, Field(strict=False)]
    """At midnight UTC: each day, each Monday, or each first day of a month."""

    on_expiry: OnExpiryForm | None = None
    """Without it, players only see when the goal rotates."""


class StayingForm(_Form):
    """The goal does not rotate; the other keys are not looked at."""

    enabled: Annotated[bool | None, WithJsonSchema({"enum": [False, None]})] = False
    """Whether the goal rotates. If it is missing, the goal does not, which is a warning."""

    type: Any = None
    schedule: Any = None
    on_expiry: Any = None


def _rotation_tag(rotation: Any) -> str:
    is_on = isinstance(rotation, dict) and rotation.get("enabled") is True
    return ROTATES if is_on else STAYS


RotationForm = Annotated[
    Annotated[RotatingForm, Tag(ROTATES)] | Annotated[StayingForm, Tag(STAYS)],
    Discriminator(_rotation_tag),
]


class GoalForm(_Form):
    """One goal of one challenge."""

    goal_id: Segment
    """Unique in the whole file, and for ever: what players reached is stored under it."""

    name: Name
    """What players read."""

    description: Text | None = None
    """What players read."""

    event_source: Annotated[Source, Field(strict=False)]
    """Which events move the goal."""

    requirement: RequirementForm
    reward: RewardForm

    default_assigned: bool | None = False
    """Whether players are assigned it without asking; any other goal they activate, or select."""

    prerequisites: Annotated[list[Some], Field(max_length=PREREQUISITES_MAX)] | None = None
    """Ids of goals, of any challenge. Until all of them are completed, this one is locked."""

    rotation: RotationForm | None = None
    """Whether the goal rotates each day, week or month. Needs `progressMode` `relative`."""

    type: Annotated[Any, Field(deprecated=True)] = None
    """The Go service's; it has no effect any more."""

    daily: Annotated[Any, Field(deprecated=True)] = None
    """The Go service's; it has no effect any more."""


class ChallengeForm(_Form):
    """A list of goals with a name."""

    challenge_id: Annotated[Segment, AfterValidator(_no_route)]
    """Unique in the file. It is a part of addresses."""

    name: Name
    """What players read."""

    description: Text | None = None
    """What players read."""

    goals: Annotated[list[GoalForm], Field(min_length=1, max_length=GOALS_MAX)]
    """In the order in which players see them."""


class CatalogueForm(_Form):
    """All challenges and goals of a game, for a Headrace service."""

    schema_: Annotated[str | None, Field(alias="$schema")] = None
    """Where editors find this schema. The service does not look at it."""

    challenges: Annotated[list[ChallengeForm], Field(min_length=1, max_length=CHALLENGES_MAX)]
    """In the order in which players see them; at most 10,000 goals in all."""
