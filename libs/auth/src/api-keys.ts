import {
  ApiKeys,
  createApiKeyExchange,
  createTokenClient,
  limitFields,
  reportsOf,
  type ApiKeyIdentity,
  type ApiKeysOptions,
  type ExchangedTokenVerifier,
  type LimitState,
  type Principal,
  type PrivateJwk,
  type RevocationList,
  type TokenSigner,
} from '@countersign/auth-core';
import { type RouteNeeds } from './route-needs.js';

/** Injection token of the application's {@link ApiKeys}; undefined if it accepts none. */
export const API_KEYS = Symbol.for('countersign.api-keys');

/** How a service accepts API keys: its identity when exchanging them at the issuer. */
export interface ApiKeySettings extends Partial<
  Pick<ApiKeysOptions, 'limitStore' | 'onUsage' | 'onExposed' | 'exchange' | 'unknownPerMinute' | 'exchangesAtOnce'>
> {
  /** The service's client at the issuer, named as its audience; the audience by default. */
  readonly clientId?: string | undefined;
  /** The client's private key. */
  readonly clientKey: PrivateJwk | TokenSigner;
}

/** Where keys are exchanged. */
export interface ApiKeyIssuer {
  readonly issuer: string;
  readonly audience: string;
  readonly allowPlainHttp?: boolean | undefined;
  /** What the issuer revokes. */
  readonly revocations?: RevocationList | undefined;
}

/** Creates the object that verifies, limits and counts API keys. Usage is reported directly to the issuer by default. */
export function apiKeysOf(
  { clientKey: key, clientId, ...settings }: ApiKeySettings,
  { issuer, audience, allowPlainHttp = false, revocations }: ApiKeyIssuer,
  verifier: ExchangedTokenVerifier,
): ApiKeys {
  const reached = { issuer, allowPlainHttp, key, clientId: clientId ?? audience };
  const reports = reportsOf({ issuer, allowPlainHttp, tokens: createTokenClient(reached) });
  return new ApiKeys({
    ...settings,
    onUsage: settings.onUsage ?? reports.onUsage,
    onExposed: settings.onExposed ?? reports.onExposed,
    exchange: settings.exchange ?? createApiKeyExchange({ ...reached, audience }),
    ...(revocations === undefined ? {} : { revocations }),
    verifier,
  });
}

/** The key that the caller itself used. @returns undefined for a caller behind another service, which has already limited the key */
export function ownApiKeyOf({ apiKey, actors }: Principal): ApiKeyIdentity | undefined {
  return actors.length === 0 ? apiKey : undefined;
}

/** The route class whose limit applies to a key here. @returns undefined if the route accepts no keys */
export function routeClassOf(needs: RouteNeeds | undefined): string | undefined {
  return needs === undefined || needs.public ? undefined : needs.apiKeys;
}

/** The limit fields of a key without a limit. */
export const NO_FIELDS: Readonly<Record<string, string>> = Object.freeze({});

/**
 * Admits a key within its limit, from memory only, and counts the request.
 * @returns the fields that report the limit to the caller; undefined when a share of the limit must be requested, or the request must not pass
 */
export function passApiKeyNow(
  keys: ApiKeys | undefined,
  key: ApiKeyIdentity,
  needs: RouteNeeds,
  address: string | undefined,
): Readonly<Record<string, string>> | undefined {
  const routeClass = routeClassOf(needs);
  const state = routeClass === undefined ? undefined : keys?.passNow(key, routeClass, address);
  if (state === undefined) return undefined;
  return fieldsOf(state === 'unlimited' ? undefined : state);
}

/** The fields that report the limit to a caller. @param state undefined for a key without a limit */
export function fieldsOf(state: LimitState | undefined): Readonly<Record<string, string>> {
  return state === undefined ? NO_FIELDS : limitFields(state);
}
