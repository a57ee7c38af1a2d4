"""Verifies tokens as a Python service would: lines of "good TOKEN" and "bad TOKEN" on stdin."""

import json
import os
import sys

from authlib.jose import JsonWebKey, JsonWebToken

keys = JsonWebKey.import_key_set(json.loads(os.environ["JWKS"]))
tokens = JsonWebToken(["ES256"])
claims_options = {
    "iss": {"essential": True, "value": os.environ["ISSUER"]},
    "aud": {"essential": True, "value": os.environ["AUDIENCE"]},
    "exp": {"essential": True},
}

for line in sys.stdin:
    kind, token = line.split()
    try:
        tokens.decode(token, keys, claims_options=claims_options).validate(leeway=5)
        verdict = "good"
    except Exception as error:
        verdict, why = "bad", repr(error)
    if verdict != kind:
        print(f"a {kind} token: {why if verdict == 'bad' else 'accepted'}")
        sys.exit(1)
