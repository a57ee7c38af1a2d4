import { type IncomingMessage } from 'node:http';
import { type ExecutionContext } from '@nestjs/common';
import { credentialsOf, sharedByForms, type Principal } from '@countersign/auth-core';

/** The kinds of context that the guard supports; any other is refused. */
export type CarrierKind = 'http' | 'rpc' | 'ws' | 'graphql';

/** What carries the token: an HTTP request, a message's context, a socket, or the request of a GraphQL operation. */
export interface Carrier {
  readonly kind: CarrierKind;
  /** The framework's own object; the principal is bound to it. */
  readonly holder: object;
  /** A header that was sent once, by its lower-case name; undefined if it is absent or repeated. */
  header(name: string): string | undefined;
}

const PRINCIPAL = Symbol.for('countersign.principal');
interface Bound {
  [PRINCIPAL]?: Principal;
}

function isBindable(holder: object): holder is Bound {
  return PRINCIPAL in holder || Object.isExtensible(holder);
}

/** The parts of Fastify that are used here. */
interface Fastify {
  hasRequestDecorator(name: symbol): boolean;
  decorateRequest(name: symbol, value: undefined): unknown;
  addHook(name: 'onRequest', hook: unknown): unknown;
}

export function isFastify(instance: unknown): instance is Fastify {
  return ['hasRequestDecorator', 'decorateRequest', 'addHook'].every(
    (name) => typeof member(instance, name) === 'function',
  );
}

/** Gives every request of a Fastify application a slot for the principal from the start: adding it later would make the object slower. */
export function preparePrincipal(instance: unknown): void {
  if (isFastify(instance) && !instance.hasRequestDecorator(PRINCIPAL)) instance.decorateRequest(PRINCIPAL, undefined);
}

/** Binds the verified caller to the carrier of its token, under a symbol, so that nothing in a body or a query can pose as it. */
export function bindPrincipal(holder: object, principal: Principal): void {
  if (!isBindable(holder)) throw new Error('the request is frozen, so no principal can be bound to it');
  holder[PRINCIPAL] = principal;
}

/** Like {@link bindPrincipal} for an HTTP request, and also as its `user`, where Passport's strategies put the caller and code expects it. */
export function bindUser(request: object & { user?: unknown }, principal: Principal): void {
  bindPrincipal(request, principal);
  request.user = principal;
}

/** The verified caller of a request, a message's context or a socket. @returns undefined if no caller was verified */
export function principalOf(holder: object): Principal | undefined {
  return isBindable(holder) ? holder[PRINCIPAL] : undefined;
}

const tokens = sharedByForms('credential-tokens', () => new WeakMap<object, string>());

/** Binds the access token behind a credential that is not the token itself, such as a session's cookie: handlers exchange it (RFC 8693). */
export function bindToken(holder: object, token: string): void {
  tokens.set(holder, token);
}

/** The token that {@link bindToken} bound. */
export function boundTokenOf(holder: object): string | undefined {
  return tokens.get(holder);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function member(value: unknown, name: string): unknown {
  return isObject(value) && name in value ? Reflect.get(value, name) : undefined;
}

/** A header of a request as Node parsed it: names are lower case, `authorization` comes once. */
export function headerOf(request: object, name: string): string | undefined {
  const value = member(member(request, 'headers'), name);
  return typeof value === 'string' ? value : undefined;
}

/** Like {@link headerOf}, for the one header that every protected request needs. */
export function authorizationOf(request: object): string | undefined {
  const { headers }: { readonly headers?: unknown } = request;
  if (!isObject(headers)) return undefined;
  const { authorization }: { readonly authorization?: unknown } = headers;
  return typeof authorization === 'string' ? authorization : undefined;
}

const handshakes = sharedByForms('handshakes', () => new WeakMap<object, object>());

/**
 * Registers the HTTP request that opened a socket. Call it in the gateway's `handleConnection(client, request)` with the `ws` adapter; Socket.IO's
 * sockets carry their handshake themselves.
 */
export function bindHandshake(client: object, request: IncomingMessage): void {
  handshakes.set(client, request);
}

interface MessageHeaders {
  keys(): readonly string[];
  values(name: string): readonly string[];
}

function isMessageHeaders(value: unknown): value is MessageHeaders {
  return typeof member(value, 'keys') === 'function' && typeof member(value, 'values') === 'function';
}

/**
 * NATS header names are case-sensitive; callers write `Authorization` and `authorization`, so both are read, and together they must have one value.
 */
function messageHeader(context: object, name: string): string | undefined {
  const read = member(context, 'getHeaders');
  const headers: unknown = typeof read === 'function' ? read.call(context) : undefined;
  if (!isMessageHeaders(headers)) return undefined;
  const names = new Set(headers.keys().filter((key) => key.toLowerCase() === name));
  const values = [...names].flatMap((key) => headers.values(key));
  return values.length === 1 ? values[0] : undefined;
}

const requestCarrier = (kind: CarrierKind, request: object, holder = request): Carrier => ({
  kind,
  holder,
  header: (name) => headerOf(request, name),
});

/** Apollo and Mercurius store the request in different places of the GraphQL context; a subscription uses that of its socket. */
function graphqlRequest(context: unknown): object | undefined {
  const found = [
    member(context, 'req'),
    member(member(context, 'reply'), 'request'),
    member(context, 'request'),
    member(member(member(context, 'req'), 'extra'), 'request'),
    member(member(context, 'extra'), 'request'),
  ];
  return found.filter(isObject).find((request) => isObject(member(request, 'headers')));
}

/** @returns undefined for an unknown kind of context, or one without a request */
export function carrierOf(context: ExecutionContext): Carrier | undefined {
  const [first, second, third]: unknown[] = context.getArgs();
  switch (context.getType<string>()) {
    case 'http':
      return isObject(first) ? requestCarrier('http', first) : undefined;
    case 'rpc':
      if (!isObject(second)) return undefined;
      return { kind: 'rpc', holder: second, header: (name) => messageHeader(second, name) };
    case 'ws': {
      if (!isObject(first)) return undefined;
      const handshake = handshakes.get(first) ?? member(first, 'handshake') ?? {};
      return isObject(handshake) ? requestCarrier('ws', handshake, first) : undefined;
    }
    case 'graphql': {
      const request = graphqlRequest(third);
      return request === undefined ? undefined : requestCarrier('graphql', request);
    }
    default:
      return undefined;
  }
}

/** The access token, under either scheme. */
export function authorizedToken(header: string | undefined): string | undefined {
  const credentials = credentialsOf(header);
  return credentials?.scheme === 'bearer' || credentials?.scheme === 'dpop' ? credentials.token : undefined;
}

/** The path and query of a request, as received. @returns undefined unless it is an HTTP request */
export function pathOf(request: object): string | undefined {
  // Fastify's wrapper would store `originalUrl` in a new member, which costs more than the rest of this function.
  const { raw }: { readonly raw?: unknown } = request;
  const { originalUrl, url }: { readonly originalUrl?: unknown; readonly url?: unknown } = isObject(raw)
    ? raw
    : request;
  if (typeof originalUrl === 'string') return originalUrl;
  return typeof url === 'string' ? url : undefined;
}

/** The address of a request's caller, as the framework determines it with its trusted proxies. */
export function addressOf(request: object): string | undefined {
  const { ip }: { readonly ip?: unknown } = request;
  return typeof ip === 'string' ? ip : undefined;
}

/** A request's path as callers see it: it always starts with the resource's own path, which a proxy may have stripped. */
function pathBelow(path: string, resource: URL): string {
  const base = resource.pathname.replace(/\/+$/, '');
  const isWhole = path.startsWith(base) && /^(?:[/?#]|$)/.test(path.slice(base.length));
  return isWhole ? path : `${base}${path}`;
}

/**
 * What a DPoP proof must name: the request's method, and its URL below that of the service (`resource`). The `Host` header is not used, because the
 * caller controls it. @returns undefined without a resource, or unless it is an HTTP request
 */
export function targetOf(
  { kind, holder }: Carrier,
  resource: string | undefined,
): { readonly method: string; readonly url: string } | undefined {
  if (resource === undefined || (kind !== 'http' && kind !== 'graphql')) return undefined;
  const method = member(holder, 'method');
  const path = member(holder, 'originalUrl') ?? member(holder, 'url');
  if (typeof method !== 'string' || typeof path !== 'string' || !path.startsWith('/')) return undefined;
  const known = new URL(resource);
  return { method, url: `${known.origin}${pathBelow(path, known)}` };
}
