import {
  createDpopProof,
  createTokenClient,
  protectedUrl,
  TokenRequestError,
  type AccessToken,
  type PrivateJwk,
  type TokenClient,
} from '@countersign/auth-core';
import { type Command } from 'commander';
import { type z } from 'zod';
import { CliError, ExitCode } from '../cli-error.js';
import { createOutput, type Output } from '../output.js';
import { wantedNonce, type IssuerAddress } from '../person/issuer-calls.js';
import { LoginFile, loginFolder } from '../person/kept-login.js';
import { personToken } from '../person/person-token.js';
import { chooseIdentity, type Identity } from './identity.js';
import { allowing } from './long-answer.js';
import { findLocalStack } from './local-stack.js';
import { answerLost, textOf } from '../no-answer.js';
import { refusalOf, tokenFailure, unprotected } from './service-failures.js';
import { readSessionOptions } from './session-options.js';
import { understood } from './understood.js';

/** Milliseconds that one response of a service may take. */
const TIMEOUT_MS = 30_000;

/** A request to one of the services. */
export interface ServiceRequest {
  /** The service's name: the audience of the token, and where to find it. */
  readonly service: string;
  /** What the route needs. */
  readonly scopes: readonly string[];
  /** Scopes of which one is enough, the best first; `scopes` is then empty. */
  readonly anyOf?: readonly string[];
  readonly method?: string;
  /** Path and query, beginning with `/`. */
  readonly path: string;
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Milliseconds for the whole response; 30,000 by default, `null` for an endless stream. */
  readonly timeoutMs?: number | null;
}

/** A token to send, and the key for its proof if it is bound to one (RFC 9449). */
export type Credential = Pick<AccessToken, 'token' | 'expiresAt' | 'scopes'> & { readonly key?: PrivateJwk };

/** What a command works with: its identity, its tokens, the services, and its output. */
export interface Session {
  readonly output: Output;
  /** Whether it acts as the person who is logged in. */
  readonly asPerson: boolean;
  /** @param audience selects, with the scopes, a suitable client of the local stack if none is named */
  identity(audience?: string, scopes?: readonly string[], anyOf?: readonly string[]): Identity;
  /** The issuer, for a person acting for themselves. @throws {CliError} */
  issuer(): IssuerAddress;
  /** The service's URL: `COUNTERSIGN_<SERVICE>_URL`, else the local stack's. @throws {CliError} */
  urlOf(service: string): string;
  /** Like `urlOf`, for sending secrets there or trusting the response. @throws {CliError} also `PLAIN_HTTP` to another machine, unless allowed */
  safeUrlOf(service: string): string;
  /** @param scopes all that the identity is known to be allowed, when empty. @throws {CliError} */
  token(audience: string, scopes: readonly string[], anyOf?: readonly string[]): Promise<Credential>;
  /** Sends a request with a suitable token. @throws {CliError} for any response that is not a success */
  send(request: ServiceRequest): Promise<Response>;
  /** Like `send`; parses the response's JSON with a schema. @throws {CliError} */
  call<Schema extends z.ZodType>(schema: Schema, request: ServiceRequest): Promise<z.infer<Schema>>;
}

/** Requests what is known to be allowed; of alternative scopes, the first that the issuer grants. */
async function firstGranted(
  client: TokenClient,
  audience: string,
  choices: readonly (readonly string[])[],
): Promise<AccessToken> {
  for (const [index, scopes] of choices.entries()) {
    try {
      return await client.getToken({ audience, scopes });
    } catch (error) {
      const another = error instanceof TokenRequestError && error.code === 'invalid_scope';
      if (!another || index === choices.length - 1) throw error;
    }
  }
  return client.getToken({ audience, scopes: [] });
}

/** The headers that carry a token. @param nonce that the service asked for */
export function authorizationOf(
  { token, key }: Credential,
  method: string,
  url: string,
  nonce?: string,
): Readonly<Record<string, string>> {
  if (key === undefined) return { authorization: `Bearer ${token}` };
  const dpop = createDpopProof({ key, method, url, accessToken: token, ...(nonce === undefined ? {} : { nonce }) });
  return { authorization: `DPoP ${token}`, dpop };
}

/** The session of a command, from its options and the environment. @throws {CliError} */
export function openSession(command: Command, environment: NodeJS.ProcessEnv = process.env): Session {
  const options = readSessionOptions(command, environment);
  const stack = findLocalStack(options.stack);
  const identity = (audience?: string, scopes?: readonly string[], anyOf?: readonly string[]): Identity =>
    chooseIdentity(options, stack, audience, scopes, anyOf);

  const session: Session = {
    output: createOutput(options.json),
    asPerson: options.person,
    identity,
    issuer() {
      const url = session.safeUrlOf('issuer');
      return { issuer: options.issuer ?? stack?.urlOf('issuer') ?? url, url };
    },
    urlOf(service) {
      const variable = `COUNTERSIGN_${service.toUpperCase()}_URL`;
      const own = service === 'issuer' ? (options.connectTo ?? options.issuer) : undefined;
      const given = environment[variable] ?? own;
      const url = given ?? stack?.urlOf(service);
      if (url !== undefined && url !== '') return url.replace(/\/$/, '');
      throw new CliError(
        ExitCode.usage,
        'SERVICE_UNKNOWN',
        `the address of ${service} is not known`,
        `Start the local stack (npm start), or set ${variable}.`,
      );
    },
    safeUrlOf(service) {
      try {
        return protectedUrl(session.urlOf(service), options.allowPlainHttp);
      } catch (error) {
        throw error instanceof TypeError ? unprotected(error) : error;
      }
    },
    async token(audience, scopes, anyOf = []) {
      if (options.person) {
        const address = session.issuer();
        const file = new LoginFile(address.issuer, audience, loginFolder(environment));
        return personToken(address, file, scopes, anyOf);
      }
      const speaker = identity(audience, scopes, anyOf);
      const known = speaker.audiences?.[audience] ?? [];
      const enough = anyOf.find((scope) => known.includes(scope));
      // Nothing is known in advance about a client of another issuer: it may have whatever it is granted.
      const unknown = speaker.audiences === undefined ? anyOf.map((scope) => [scope]) : [];
      const choices =
        scopes.length > 0 ? [scopes] : enough !== undefined ? [[enough]] : unknown.length > 0 ? unknown : [known];
      const { connectTo, allowPlainHttp } = options;
      try {
        const client = createTokenClient({
          issuer: speaker.issuer,
          clientId: speaker.clientId,
          key: speaker.key,
          allowPlainHttp,
          ...(connectTo === undefined ? {} : { tokenEndpoint: `${connectTo.replace(/\/$/, '')}/oauth2/token` }),
        });
        return await firstGranted(client, audience, choices);
      } catch (error) {
        throw tokenFailure(error, speaker);
      }
    },
    async send({ service, scopes, anyOf, method = 'GET', path, body, headers = {}, timeoutMs = TIMEOUT_MS }) {
      const url = session.safeUrlOf(service);
      const credential = await session.token(service, scopes, anyOf);
      const patience = await allowing(timeoutMs);
      const ask = async (nonce?: string): Promise<Response> => {
        try {
          return await fetch(`${url}${path}`, {
            method,
            headers: {
              ...headers,
              ...authorizationOf(credential, method, `${url}${path}`, nonce),
              ...(body === undefined ? {} : { 'content-type': 'application/json' }),
            },
            redirect: 'error',
            ...patience,
            ...(body === undefined ? {} : { body: JSON.stringify(body) }),
            ...(timeoutMs === null ? {} : { signal: AbortSignal.timeout(timeoutMs) }),
          });
        } catch (error) {
          throw answerLost(service, url, error);
        }
      };
      let response = await ask();
      const challenge = response.headers.get('www-authenticate') ?? '';
      const [, wanted] = /error="([a-z_]+)"/.exec(challenge) ?? [];
      const nonce = wantedNonce(response, wanted);
      if (nonce !== undefined && credential.key !== undefined) response = await ask(nonce);
      if (!response.ok) throw await refusalOf(service, response, options.person);
      return response;
    },
    async call(schema, request) {
      const text = await textOf(await session.send(request), request.service);
      return understood(request.service, schema, text);
    },
  };
  return session;
}
