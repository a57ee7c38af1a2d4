import { Inject, Injectable, type INestApplication } from '@nestjs/common';
import { DiscoveryService, MetadataScanner } from '@nestjs/core';
import { type OpenAPIObject } from '@nestjs/swagger';
import { describeWho, routeNeeds, type RouteNeeds } from '@countersign/auth';
import { loadSwagger } from './openapi-decorators.js';

type Operation = OpenAPIObject['paths'][string]['get'];

/** /openapi.json, generated from the code at the first request; each operation names the scopes that its guard checks, and whether the caller must be a person. */
@Injectable()
export class OpenApiDocument {
  #build: (() => Promise<OpenAPIObject>) | undefined;
  #document: Promise<OpenAPIObject> | undefined;

  constructor(
    @Inject(DiscoveryService) private readonly discovery: DiscoveryService,
    @Inject(MetadataScanner) private readonly scanner: MetadataScanner,
  ) {}

  /** Called once by the host: only the host knows the application. */
  describe(app: INestApplication, title: string, version: string): void {
    this.#build = async () => {
      const { DocumentBuilder, SwaggerModule } = await loadSwagger();
      const base = new DocumentBuilder()
        .setTitle(title)
        .setVersion(version)
        .addBearerAuth({ type: 'http', scheme: 'bearer', bearerFormat: 'at+jwt (RFC 9068)' }, 'token')
        .addApiKey({ type: 'apiKey', in: 'header', name: 'X-API-Key' }, 'apiKey')
        .build();
      const document = SwaggerModule.createDocument(app, base, {
        operationIdFactory: (controller, method) => `${controller}.${method}`,
      });
      this.#addScopes(document);
      return document;
    };
  }

  read(): Promise<OpenAPIObject> {
    if (this.#build === undefined) throw new Error('the document is described before the service listens');
    return (this.#document ??= this.#build());
  }

  #addScopes(document: OpenAPIObject): void {
    const securityOf = new Map<string, Record<string, string[]>[]>();
    const needsOf = new Map<string, RouteNeeds>();
    for (const { metatype, instance } of this.discovery.getControllers()) {
      if (typeof metatype !== 'function' || typeof instance !== 'object' || instance === null) continue;
      const prototype: unknown = Object.getPrototypeOf(instance);
      if (typeof prototype !== 'object' || prototype === null) continue;
      for (const method of this.scanner.getAllMethodNames(prototype)) {
        const handler: unknown = Reflect.get(prototype, method);
        if (typeof handler !== 'function') continue;
        const needs = routeNeeds(handler, metatype);
        if (needs === undefined || (needs.public && needs.readsToken !== true)) continue;
        const name = `${metatype.name}.${method}`;
        if (needs.public) {
          // An empty requirement next to another one: the token is optional.
          securityOf.set(name, [{}, { token: [] }]);
          continue;
        }
        needsOf.set(name, needs);
        // OpenAPI: all scopes of one entry, any entry of the list.
        const choices = needs.anyScope.length === 0 ? [[]] : needs.anyScope.map((scope) => [scope]);
        securityOf.set(name, [
          ...choices.map((choice) => ({ token: [...needs.scopes, ...choice] })),
          ...(needs.apiKeys === undefined ? [] : [{ apiKey: [] }]),
        ]);
      }
    }
    for (const path of Object.values(document.paths)) {
      for (const operation of [path.get, path.post, path.put, path.patch, path.delete] as Operation[]) {
        const security = operation?.operationId === undefined ? undefined : securityOf.get(operation.operationId);
        if (operation !== undefined && security !== undefined) operation.security = security;
        const needs = operation?.operationId === undefined ? undefined : needsOf.get(operation.operationId);
        const who = needs === undefined ? undefined : describeWho(needs);
        if (operation === undefined || needs?.public !== false || who === undefined) continue;
        // OpenAPI cannot express this: text for people, an extension for programs.
        const { description = '' } = operation;
        const { seconds, acrValues } = needs.login ?? {};
        const login = seconds === undefined ? {} : { max_age: seconds, acr_values: acrValues };
        Object.assign(operation, {
          description: `${description}\n\nThe caller must be ${who}.`.trimStart(),
          'x-countersign-caller': { kind: 'person', ...login },
        });
      }
    }
  }
}
