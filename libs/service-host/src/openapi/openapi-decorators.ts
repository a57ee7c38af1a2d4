import type * as swagger from '@nestjs/swagger';

export type Swagger = typeof swagger;

const waiting: ((swagger: Swagger) => void)[] = [];

/** Defers everything that needs `@nestjs/swagger` until the document is requested. */
export function whenDocumented(describe: (swagger: Swagger) => void): void {
  waiting.push(describe);
}

/** Loads `@nestjs/swagger` and runs what was deferred. */
export async function loadSwagger(): Promise<Swagger> {
  // oxlint-disable-next-line no-restricted-imports -- the one place that loads it, when /openapi.json is requested
  const loaded = await import('@nestjs/swagger');
  for (const describe of waiting.splice(0)) describe(loaded);
  return loaded;
}

/**
 * Decorates a controller or a route for /openapi.json: `@OpenApi(({ ApiTags }) => ApiTags('orders'))`.
 * It runs when the document is first requested, so that startup does not wait for `@nestjs/swagger` to load.
 */
export function OpenApi(
  decorator: (swagger: Swagger) => ClassDecorator & MethodDecorator,
): ClassDecorator & MethodDecorator {
  return (target: object, key?: string | symbol, descriptor?: PropertyDescriptor): void => {
    whenDocumented((loaded) => {
      const decorate = decorator(loaded);
      if (key !== undefined && descriptor !== undefined) decorate(target, key, descriptor);
      else if (typeof target === 'function') decorate(target);
    });
  };
}
