import type * as swagger from '@nestjs/swagger';

export type Swagger = typeof swagger;

const waiting: ((swagger: Swagger) => void)[] = [];

/** Puts off what needs `@nestjs/swagger` until the document is asked for. */
export function whenDocumented(describe: (swagger: Swagger) => void): void {
  waiting.push(describe);
}

/** Loads `@nestjs/swagger` and does what was put off until now. */
export async function loadSwagger(): Promise<Swagger> {
  // oxlint-disable-next-line no-restricted-imports -- the one place that loads it, when somebody asks for /openapi.json
  const loaded = await import('@nestjs/swagger');
  for (const describe of waiting.splice(0)) describe(loaded);
  return loaded;
}

/**
 * Decorates a controller or a route for /openapi.json: `@OpenApi(({ ApiTags }) => ApiTags('orders'))`.
 * It happens when the document is first asked for, so that starting does not wait for `@nestjs/swagger` to load.
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
