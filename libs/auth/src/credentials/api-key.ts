import { credentialsOf, looksLikeApiKey, TokenError, type ApiKeys, type Principal } from '@countersign/auth-core';
import { addressOf, authorizationOf, headerOf, pathOf, type Carrier } from '../carrier.js';
import { type Credential } from './credential.js';

const HEADER = 'x-api-key';
/** In a path or a query; keys contain no character that is percent-encoded. */
const IN_ADDRESS = 'csk_';

/** The key of a request. `Authorization` takes precedence, so that a header added by a proxy does not replace it. */
function shownKey(authorization: string | undefined, header: string | undefined): string | undefined {
  if (authorization === undefined) return header;
  const credentials = credentialsOf(authorization);
  return credentials?.scheme === 'bearer' && looksLikeApiKey(credentials.token) ? credentials.token : undefined;
}

/** `Authorization: Bearer csk_…` or `X-API-Key`; never a URL, which ends up in logs and histories. */
export class ApiKeyCredential implements Credential {
  constructor(private readonly keys: ApiKeys) {}

  verify(carrier: Carrier): Promise<Principal> | undefined {
    const path = pathOf(carrier.holder);
    if (path?.includes(IN_ADDRESS) === true) this.keys.refuseExposed(path, addressOf(carrier.holder));
    const key = shownKey(carrier.header('authorization'), carrier.header(HEADER));
    return key === undefined ? undefined : this.keys.identify(key, addressOf(carrier.holder));
  }

  /** Without a check of the network: the code that admits the key checks it, and reads the address once. */
  recall(request: object): Principal | undefined {
    // `verify` reports what is wrong.
    if (pathOf(request)?.includes(IN_ADDRESS) === true) throw new TokenError('API_KEY_IN_URL');
    const authorization = authorizationOf(request);
    const principal =
      authorization === undefined ? this.#byHeader(request) : this.keys.recallAuthorization(authorization);
    // The token that a key is exchanged for has no actors.
    return principal?.actors.length === 0 ? principal : undefined;
  }

  #byHeader(request: object): Principal | undefined {
    const key = headerOf(request, HEADER);
    return key === undefined ? undefined : this.keys.recallAnywhere(key);
  }
}
