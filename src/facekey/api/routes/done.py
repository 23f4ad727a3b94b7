"""What routes answer that have nothing else to say."""

from typing import Literal

from pydantic import BaseModel


class Done(BaseModel):
    """It is done and on record."""

    success: Literal[True] = True
