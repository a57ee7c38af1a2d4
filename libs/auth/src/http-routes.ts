import { RequestMethod, VERSION_NEUTRAL, VersioningType } from '@nestjs/common';
import { type ApplicationConfig, type DiscoveryService } from '@nestjs/core';
import { RoutePathFactory } from '@nestjs/core/router/route-path-factory.js';

type Controller = ReturnType<DiscoveryService['getControllers']>[number];
type Version = NonNullable<Parameters<RoutePathFactory['create']>[0]['methodVersion']>;

/** Nest's own metadata keys. */
const MODULE_PATH = '__module_path__';
const VERSION = '__version__';

function isVersion(value: unknown): value is Version {
  return typeof value === 'string' || value === VERSION_NEUTRAL || (Array.isArray(value) && value.every(isVersion));
}

function versionOf(target: object): Version | undefined {
  const version: unknown = Reflect.getMetadata(VERSION, target);
  return isVersion(version) ? version : undefined;
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [value ?? '']);
const slashed = (path: unknown): string => `/${String(path).replace(/^\/+/, '')}`;
const textOf = (version: unknown): string =>
  version === VERSION_NEUTRAL ? 'any version' : `version ${String(version)}`;

/**
 * Names HTTP routes as Nest routes them: the paths come from Nest's own factory, with the application's prefix and its exclusions, the paths of
 * `RouterModule`, and versions. What is not part of the path (a version in a header, a host) is appended.
 */
export class HttpRoutes {
  readonly #paths: RoutePathFactory;

  /** @param applicationId the id of the modules' container, under which `RouterModule` stores its paths */
  constructor(
    private readonly application: ApplicationConfig,
    private readonly applicationId: string,
  ) {
    this.#paths = new RoutePathFactory(application);
  }

  /** `GET /v1/orders/:id`; one handler may have several. */
  namesOf({ metatype, host }: Controller, handler: object): readonly string[] {
    if (metatype === null || typeof metatype !== 'function') return [];
    const method: unknown = Reflect.getMetadata('method', handler);
    const requestMethod = typeof method === 'number' ? method : RequestMethod.ALL;
    const versioning = this.application.getVersioning();
    const controllerVersion = versioning === undefined ? undefined : (versionOf(metatype) ?? versioning.defaultVersion);
    const methodVersion = versioning === undefined ? undefined : versionOf(handler);
    const module = host?.metatype;
    const modulePath: unknown =
      module === undefined
        ? undefined
        : (Reflect.getMetadata(MODULE_PATH + this.applicationId, module) ?? Reflect.getMetadata(MODULE_PATH, module));
    const made = listOf(Reflect.getMetadata('path', metatype)).flatMap((ctrlPath) =>
      listOf(Reflect.getMetadata('path', handler)).flatMap((methodPath) =>
        this.#paths.create(
          {
            ctrlPath: slashed(ctrlPath),
            methodPath: slashed(methodPath),
            ...(typeof modulePath === 'string' ? { modulePath } : {}),
            globalPrefix: this.#prefix(),
            ...(methodVersion === undefined ? {} : { methodVersion }),
            ...(controllerVersion === undefined ? {} : { controllerVersion }),
            ...(versioning === undefined ? {} : { versioningOptions: versioning }),
          },
          requestMethod,
        ),
      ),
    );
    const version = methodVersion ?? controllerVersion;
    const inPath = versioning?.type === VersioningType.URI;
    const versions = version === undefined || inPath ? [''] : listOf(version).map((one) => ` (${textOf(one)})`);
    const hosts: unknown = Reflect.getMetadata('host', metatype);
    const at = hosts === undefined ? '' : ` (host ${listOf(hosts).map(String).join(', ')})`;
    const verb = RequestMethod[requestMethod] ?? 'ALL';
    return made.flatMap((path) => versions.map((one) => `${verb} ${path}${one}${at}`));
  }

  #prefix(): string {
    const prefix = this.application.getGlobalPrefix();
    return prefix === '' ? '' : slashed(prefix);
  }
}
