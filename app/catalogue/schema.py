"""The JSON Schema of a catalogue file, for editors (https://json-schema.org/draft/2020-12/)."""

from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from app.catalogue.form import CatalogueForm


class _WithoutTitles(GenerateJsonSchema):
    """The keys are the titles."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - pydantic's signature
        return False


def catalogue_schema() -> dict[str, Any]:
    """Return the schema: every key, its type, its range and what it means.

    Whatever the service takes fits it. It does not say what keys and goals must be to each other.
    """
    schema = CatalogueForm.model_json_schema(schema_generator=_WithoutTitles)
    return {"$schema": _WithoutTitles.schema_dialect, **schema}
