import { KeySet, verificationKeyOf } from '@countersign/auth-core/jws';
import { type ClientRecord } from './client-record.js';
import { type Client } from './client.js';
import { type StoredSecret } from './stored-secret.js';

/** A client as used by requests: its keys are ready to verify with. */
export interface RegisteredClient {
  readonly client: Client;
  readonly disabled: boolean;
  readonly keys: KeySet;
  readonly secrets: readonly StoredSecret[];
}

export function registeredClient({ registration, disabledAt, secrets }: ClientRecord): RegisteredClient {
  return {
    client: registration,
    disabled: disabledAt !== null,
    keys: new KeySet(
      (registration.jwks?.keys ?? []).map((jwk) => verificationKeyOf(jwk)).filter((key) => key !== undefined),
    ),
    secrets,
  };
}
