import { Inject, Injectable, RequestMethod } from '@nestjs/common';
import { ApplicationConfig, DiscoveryService, MetadataScanner } from '@nestjs/core';
import { describeNeeds, routeNeeds, type RouteNeeds } from './route-needs.js';

/** The kinds of handlers that the guard stands before. */
export type RouteKind = 'http' | 'message' | 'event' | 'socket' | 'graphql';

/** One way into the application. */
export interface Route {
  readonly kind: RouteKind;
  /** `GET /orders/:id`, `message orders.read`, `Query order`: as a caller would name it. */
  readonly name: string;
  /** `OrdersController.read` */
  readonly handler: string;
  /** Nothing where nothing is declared: the guard refuses every call. */
  readonly needs: RouteNeeds | undefined;
}

function isFunction(value: unknown): value is (...parameters: never[]) => unknown {
  return typeof value === 'function';
}

function paths(target: object): readonly string[] {
  const path: unknown = Reflect.getMetadata('path', target);
  const list: readonly unknown[] = Array.isArray(path) ? path : [path ?? ''];
  return list.map((one) => String(one).replace(/^\/+|\/+$/g, ''));
}

function httpNames(controller: object, handler: object, prefix: string): readonly string[] {
  const method: unknown = Reflect.getMetadata('method', handler);
  const verb = typeof method === 'number' ? (RequestMethod[method] ?? 'ALL') : 'ALL';
  return paths(controller).flatMap((base) =>
    paths(handler).map((path) => `${verb} /${[prefix, base, path].filter((part) => part !== '').join('/')}`),
  );
}

const textOf = (pattern: unknown): string => (typeof pattern === 'string' ? pattern : JSON.stringify(pattern));

/** What Nest's decorators wrote on a handler; one handler may answer several patterns. */
function namesOf(controller: object, handler: object, prefix: string): readonly (readonly [RouteKind, string])[] {
  const has = (key: string): boolean => Reflect.hasMetadata(key, handler);
  if (has('microservices:pattern')) {
    const patterns: unknown = Reflect.getMetadata('microservices:pattern', handler);
    const list: readonly unknown[] = Array.isArray(patterns) ? patterns : [patterns];
    const kind = Reflect.getMetadata('microservices:handler_type', handler) === 2 ? 'event' : 'message';
    return list.map((pattern) => [kind, `${kind} ${textOf(pattern)}`]);
  }
  if (has('websockets:message_mapping'))
    return [['socket', `socket ${textOf(Reflect.getMetadata('message', handler))}`]];
  if (has('graphql:resolver_type')) {
    const type: unknown = Reflect.getMetadata('graphql:resolver_type', handler);
    const name: unknown = Reflect.getMetadata('graphql:resolver_name', handler);
    return [['graphql', `${String(type)} ${isFunction(handler) ? String(name ?? handler.name) : ''}`.trim()]];
  }
  if (has('method') && has('path')) return httpNames(controller, handler, prefix).map((name) => ['http', name]);
  return [];
}

/** Every handler of the application that Nest's decorators make reachable, with its function. */
export function handlersOf(
  discovery: DiscoveryService,
  scanner: MetadataScanner,
  prefix = '',
): readonly { readonly handler: object; readonly route: Route }[] {
  const holders = [...discovery.getControllers(), ...discovery.getProviders()];
  const found = holders.flatMap(({ metatype }) => {
    if (!isFunction(metatype)) return [];
    const prototype: unknown = metatype.prototype;
    if (typeof prototype !== 'object' || prototype === null) return [];
    return scanner.getAllMethodNames(prototype).flatMap((method) => {
      const handler: unknown = Reflect.get(prototype, method);
      if (!isFunction(handler)) return [];
      const needs = routeNeeds(handler, metatype);
      return namesOf(metatype, handler, prefix).map(([kind, name]) => ({
        handler,
        route: { kind, name, handler: `${metatype.name}.${method}`, needs },
      }));
    });
  });
  const seen = new Set<string>();
  return found.filter(({ route: { name, handler } }) => {
    const key = `${name} ${handler}`;
    return !seen.has(key) && seen.add(key);
  });
}

/** Each route of the application with what it needs, as the guard itself will judge it. */
@Injectable()
export class RouteReport {
  constructor(
    @Inject(DiscoveryService) private readonly discovery: DiscoveryService,
    @Inject(MetadataScanner) private readonly scanner: MetadataScanner,
    @Inject(ApplicationConfig) private readonly application: ApplicationConfig,
  ) {}

  routes(): readonly Route[] {
    const prefix = this.application.getGlobalPrefix().replace(/^\/+|\/+$/g, '');
    const routes = handlersOf(this.discovery, this.scanner, prefix).map(({ route }) => route);
    return routes.sort((one, other) => one.name.localeCompare(other.name));
  }

  /** The report as lines: `GET /orders/:id  orders:read  OrdersController.read`. */
  lines(): readonly string[] {
    const rows = this.routes().map(({ name, handler, needs }) => [name, describeNeeds(needs), handler] as const);
    const width = (column: 0 | 1): number => Math.max(0, ...rows.map((row) => row[column].length));
    const [names, needs] = [width(0), width(1)];
    return rows.map(([name, need, handler]) => `${name.padEnd(names)}  ${need.padEnd(needs)}  ${handler}`);
  }
}
