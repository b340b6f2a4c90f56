from __future__ import annotations

from uuid import UUID

from atelier.partner.webhooks.signing import secret_of, sign

ENDPOINT = UUID("0d9c8c64-6a4c-4a3e-9a56-1f9f3c2b7a10")


def test_a_signature_is_the_one_of_the_specification() -> None:
    # The example that the Standard Webhooks libraries are tested with.
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    body = '{"test": 2432232314}'

    signature = sign(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)

    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_secret_belongs_to_its_endpoint_and_to_our_key() -> None:
    secret = secret_of(ENDPOINT, "key")

    assert secret == secret_of(ENDPOINT, "key")
    assert secret.startswith("whsec_")
    assert secret != secret_of(ENDPOINT, "another key")
    assert secret != secret_of(UUID(int=1), "key")
