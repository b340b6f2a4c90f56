"""The CRM: where sellers find, approve and close orders."""
