import { Inject, Injectable } from '@nestjs/common';
import { ApplicationConfig, DiscoveryService, MetadataScanner, ModulesContainer } from '@nestjs/core';
import { AUTH_SETTINGS, type AuthSettings } from './auth.settings.js';
import { HttpRoutes } from './http-routes.js';
import { describeNeeds, routeNeeds, type RouteNeeds } from './route-needs.js';

/** The kinds of handlers that the guard protects. */
export type RouteKind = 'http' | 'message' | 'event' | 'socket' | 'graphql';

/** One entry point of the application. */
export interface Route {
  readonly kind: RouteKind;
  /**
   * `GET /v1/orders/:id`, `message orders.read`, `Query order`: as a caller would name it. A version that is not in the path, and a host, are
   * appended: `GET /orders (version 2)`.
   */
  readonly name: string;
  /** `OrdersController.read` */
  readonly handler: string;
  /** Undefined if nothing is declared: the guard refuses every call. */
  readonly needs: RouteNeeds | undefined;
  /** The result of the setting `routeNote`. */
  readonly note?: string | undefined;
}

function isFunction(value: unknown): value is (...parameters: never[]) => unknown {
  return typeof value === 'function';
}

const textOf = (pattern: unknown): string => (typeof pattern === 'string' ? pattern : JSON.stringify(pattern));

/** Nest's metadata of a handler; one handler may have several patterns. */
function namesOf(handler: object): readonly (readonly [RouteKind, string])[] {
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
  return [];
}

type Holder = ReturnType<DiscoveryService['getProviders']>[number];
type Names = (holder: Holder, handler: object) => readonly (readonly [RouteKind, string])[];

/** Handlers of the given classes, each with its names. */
function handlersIn(holders: readonly Holder[], scanner: MetadataScanner, names: Names): readonly Handler[] {
  return holders.flatMap((holder) => {
    const { metatype } = holder;
    if (!isFunction(metatype)) return [];
    const prototype: unknown = metatype.prototype;
    if (typeof prototype !== 'object' || prototype === null) return [];
    return scanner.getAllMethodNames(prototype).flatMap((method) => {
      const handler: unknown = Reflect.get(prototype, method);
      if (!isFunction(handler)) return [];
      const needs = routeNeeds(handler, metatype);
      return names(holder, handler).map(([kind, name]) => ({
        handler,
        controller: metatype,
        route: { kind, name, handler: `${metatype.name}.${method}`, needs },
      }));
    });
  });
}

/** A handler that Nest's decorators make reachable, with its function. */
export interface Handler {
  readonly handler: object;
  readonly controller: object;
  readonly route: Route;
}

/** Handlers of messages, events, socket messages and GraphQL operations. */
export function messageHandlersOf(discovery: DiscoveryService, scanner: MetadataScanner): readonly Handler[] {
  const holders = [...discovery.getControllers(), ...discovery.getProviders()];
  return handlersIn(holders, scanner, (_holder, handler) => namesOf(handler));
}

/** Each route of the application with what it needs, exactly as the guard will check it. */
@Injectable()
export class RouteReport {
  constructor(
    @Inject(DiscoveryService) private readonly discovery: DiscoveryService,
    @Inject(MetadataScanner) private readonly scanner: MetadataScanner,
    @Inject(ApplicationConfig) private readonly application: ApplicationConfig,
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
    @Inject(AUTH_SETTINGS) private readonly settings: Pick<AuthSettings, 'routeNote'>,
  ) {}

  /** As they are routed once the application is configured: prefix, versions and `RouterModule` included. */
  routes(): readonly Route[] {
    const http = new HttpRoutes(this.application, this.modules.applicationId);
    const handlers = [
      ...messageHandlersOf(this.discovery, this.scanner),
      ...handlersIn(this.discovery.getControllers(), this.scanner, (holder, handler) =>
        Reflect.hasMetadata('method', handler) && Reflect.hasMetadata('path', handler)
          ? http.namesOf(holder, handler).map((name) => ['http', name] as const)
          : [],
      ),
    ];
    const routes = new Map(
      handlers.map(({ handler, controller, route }) => [
        `${route.name} ${route.handler}`,
        { ...route, note: this.settings.routeNote?.(handler, controller) },
      ]),
    );
    return [...routes.values()].sort((one, other) => one.name.localeCompare(other.name));
  }

  /** The report as lines: `GET /orders/:id  orders:read  OrdersController.read`, followed by the route's note. */
  lines(): readonly string[] {
    const rows = this.routes().map(
      ({ name, handler, needs, note }) =>
        [name, describeNeeds(needs), note === undefined ? handler : `${handler}  ${note}`] as const,
    );
    const width = (column: 0 | 1): number => Math.max(0, ...rows.map((row) => row[column].length));
    const [names, needs] = [width(0), width(1)];
    return rows.map(([name, need, handler]) => `${name.padEnd(names)}  ${need.padEnd(needs)}  ${handler}`);
  }
}
