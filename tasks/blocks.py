"""Blocks: where a REDCap token, a Twilio account and a mail server's login are kept at Prefect, sealed.

`prefect block register --module tasks.blocks` makes their forms known to a server. A study names one in
its study.yaml, as in `token: {block: redcap-connection/demo}`.
"""

from __future__ import annotations

from prefect.blocks.core import Block
from pydantic import Field, HttpUrl, SecretStr


class RedcapConnection(Block):
    """A REDCap project's API token, and the one address to which it may be sent."""

    _block_type_name = "REDCap Connection"
    _block_type_slug = "redcap-connection"
    _description = "The API token of one REDCap project, for one server."

    url: HttpUrl = Field(
        title="Address",
        description="REDCap's address, as in the study file; the token is sent nowhere else.",
        examples=["https://redcap.example.org"],
    )
    token: SecretStr = Field(title="API token", description="The token, from the project's API page.")


class TwilioAccount(Block):
    """A Twilio account: its auth token, an API key, or both."""

    _block_type_name = "Twilio Account"
    _block_type_slug = "twilio-account"
    _description = "The account by which a study texts."

    account_sid: SecretStr = Field(title="Account SID", description="It begins with AC.")
    auth_token: SecretStr | None = Field(
        default=None,
        title="Auth token",
        description="The account's own; with an API key only the receiver needs it.",
    )
    api_key: SecretStr | None = Field(default=None, title="API key", description="It begins with SK.")
    api_secret: SecretStr | None = Field(default=None, title="API key secret", description="The key's.")


class MailServer(Block):
    """What proves to a mail server who writes: a password, or what OAuth asks for."""

    _block_type_name = "Mail Server"
    _block_type_slug = "mail-server"
    _description = "The login by which a study writes mail."

    password: SecretStr | None = Field(default=None, title="Password", description="The user's password.")
    oauth_token: SecretStr | None = Field(
        default=None, title="OAuth token", description="A token, instead of a password."
    )
    client_id: SecretStr | None = Field(
        default=None, title="OAuth client id", description="Of the program that fetches tokens."
    )
    client_secret: SecretStr | None = Field(
        default=None, title="OAuth client secret", description="The client's, if it has one."
    )
    refresh_token: SecretStr | None = Field(
        default=None, title="OAuth refresh token", description="By which the client fetches new tokens."
    )
