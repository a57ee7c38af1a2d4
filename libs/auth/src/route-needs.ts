import { type RecentLogin } from '@countersign/auth-core';
import { type Policy } from './policy.js';

const NEEDS = 'countersign:needs';

/** What a route requires of its caller. The guard, the route report, `/openapi.json` and the resource metadata all use it. */
export type RouteNeeds =
  | {
      readonly public: true;
      /** Whether a token is verified if there is one. */
      readonly readsToken?: true;
    }
  | {
      readonly public: false;
      /** All of these. */
      readonly scopes: readonly string[];
      /** At least one of these; no requirement when empty. */
      readonly anyScope: readonly string[];
      /** Whether only a person may pass. */
      readonly person: boolean;
      /** How recently, and how well, the person must have signed in. */
      readonly login: RecentLogin | undefined;
      /** Each must allow the caller, in this order. */
      readonly policies: readonly Policy[];
      /** The route class whose limit applies to an API key; undefined if the route accepts no API keys. */
      readonly apiKeys?: string | undefined;
      /** Whether the handler uses the caller's delegation: an API key acts for nobody. */
      readonly asksDelegation?: true;
    };

/** The declarations of one handler or controller, before the two are merged. */
interface Declared {
  readonly public?: true;
  readonly readsToken?: true;
  readonly scopes?: readonly string[];
  readonly anyScope?: readonly string[];
  readonly person?: true;
  readonly login?: RecentLogin;
  readonly policies?: readonly Policy[];
  readonly apiKeys?: string;
}

function isDeclared(value: unknown): value is Declared {
  return typeof value === 'object' && value !== null;
}

function declaredBy(target: object): Declared | undefined {
  const declared: unknown = Reflect.getOwnMetadata(NEEDS, target);
  if (isDeclared(declared)) return declared;
  const parent: unknown = Object.getPrototypeOf(target);
  return typeof parent === 'function' && parent !== Function.prototype ? declaredBy(parent) : undefined;
}

/** Adds to the declarations of a handler or controller. @throws when the route is declared both open and with needs, or one thing twice */
export function declareNeeds(name: string, added: Declared): ClassDecorator & MethodDecorator {
  return <Value>(target: object, _key?: string | symbol, descriptor?: TypedPropertyDescriptor<Value>): void => {
    const handler: unknown = descriptor?.value;
    const place = typeof handler === 'function' ? handler : target;
    const own: unknown = Reflect.getOwnMetadata(NEEDS, place);
    const before: Declared = isDeclared(own) ? own : {};
    const isPolicy = added.policies !== undefined;
    const twice = Object.keys(added).some((member) => member in before) && !isPolicy;
    const both = (added.public === true && Object.keys(before).length > 0) || before.public === true;
    if (twice || both) throw new TypeError(`${name} contradicts the route's other declarations`);
    const policies = [...(added.policies ?? []), ...(before.policies ?? [])];
    Reflect.defineMetadata(NEEDS, { ...before, ...added, ...(policies.length > 0 ? { policies } : {}) }, place);
  };
}

const ASKS_DELEGATION = 'countersign:asks-delegation';

/** Notes that a handler uses the caller's delegation. This does not open the route: it stays closed until it declares what it needs. */
export function declareDelegation(target: object, method: string | symbol | undefined): void {
  const handler: unknown = method === undefined ? undefined : Reflect.get(target, method);
  if (typeof handler === 'function') Reflect.defineMetadata(ASKS_DELEGATION, true, handler);
}

const openNeeds = ({ readsToken }: Declared): RouteNeeds =>
  readsToken === true ? { public: true, readsToken } : { public: true };

function apiKeysOf(handler: Declared | undefined, closed: Declared | undefined): { readonly apiKeys?: string } {
  const apiKeys = handler?.apiKeys ?? closed?.apiKeys;
  return apiKeys === undefined ? {} : { apiKeys };
}

function join(handler: Declared | undefined, controller: Declared | undefined): RouteNeeds | undefined {
  if (handler?.public === true) return openNeeds(handler);
  if (handler === undefined && controller?.public === true) return openNeeds(controller);
  const closed = controller?.public === true ? undefined : controller;
  if (handler === undefined && closed === undefined) return undefined;
  const handlerNames = handler?.scopes !== undefined || handler?.anyScope !== undefined;
  const { scopes = [], anyScope = [] } = (handlerNames ? handler : closed) ?? {};
  const login = handler?.login ?? closed?.login;
  const person = handler?.person === true || closed?.person === true || login !== undefined;
  return {
    public: false,
    scopes,
    anyScope,
    person,
    login,
    policies: [...(closed?.policies ?? []), ...(handler?.policies ?? [])],
    ...apiKeysOf(handler, closed),
  };
}

interface Known {
  readonly controller: object | undefined;
  readonly needs: RouteNeeds | undefined;
}
const known = new WeakMap<object, Known>();

/**
 * What a route needs: the handler's own scopes, else its controller's; its own recent sign-in, else its controller's; the policies of both. An open
 * handler in a closed controller is open, a handler that names a need in an open controller is closed.
 * @returns undefined if nothing is declared: such a route is refused
 */
export function routeNeeds(handler: object, controller?: object): RouteNeeds | undefined {
  const before = known.get(handler);
  if (before !== undefined && before.controller === controller) return before.needs;
  const joined = join(declaredBy(handler), controller === undefined ? undefined : declaredBy(controller));
  const asksDelegation = joined?.public === false && Reflect.hasOwnMetadata(ASKS_DELEGATION, handler);
  const needs: RouteNeeds | undefined = asksDelegation ? { ...joined, asksDelegation } : joined;
  known.set(handler, { controller, needs });
  return needs;
}

/** Every scope of a route, for a challenge, a document or a list. */
export function namedScopes(needs: RouteNeeds | undefined): readonly string[] {
  return needs === undefined || needs.public ? [] : [...new Set([...needs.scopes, ...needs.anyScope])];
}

/** In words: `a person`, `a person who signed in at most 300 s ago`. @returns undefined if anybody may pass */
export function describeWho(needs: RouteNeeds): string | undefined {
  if (needs.public || !needs.person) return undefined;
  if (needs.login === undefined) return 'a person';
  const { seconds, acrValues = [] } = needs.login;
  const by = acrValues.length === 0 ? '' : ` with ${acrValues.join(' or ')}`;
  return `a person who signed in at most ${String(seconds)} s ago${by}`;
}

/**
 * In words: `public`, `public, recognises a caller with a token`, `undeclared`, `orders:read`, `orders:read + (a | b) + a person + ownsOrder`, `any
 * verified caller`; followed by API keys with their route class.
 */
export function describeNeeds(needs: RouteNeeds | undefined): string {
  if (needs === undefined) return 'undeclared';
  if (needs.public) return needs.readsToken === true ? 'public, recognises a caller with a token' : 'public';
  const any = needs.anyScope.length === 0 ? [] : [`(${needs.anyScope.join(' | ')})`];
  const person = describeWho(needs);
  const parts = [
    ...needs.scopes,
    ...any,
    ...(person === undefined ? [] : [person]),
    ...needs.policies.map(({ name }) => name || 'a policy'),
  ];
  const who = parts.length === 0 ? 'any verified caller' : parts.join(' + ');
  return needs.apiKeys === undefined ? who : `${who}, API keys (${needs.apiKeys})`;
}
