import { createRequire } from 'node:module';
import { type FastifyServerOptions } from 'fastify';

type Compilers = NonNullable<NonNullable<FastifyServerOptions['schemaController']>['compilersFactory']>;
type AjvOptions = NonNullable<FastifyServerOptions['ajv']>;
/** Not the other kind, which serialises. */
type BuildValidator = Extract<Compilers['buildValidator'], (schemas: never, options: AjvOptions) => unknown>;
type BuildSerializer = NonNullable<Compilers['buildSerializer']>;

function isSelector<Build>(loaded: unknown): loaded is () => Build {
  return typeof loaded === 'function';
}

/** The module that Fastify would load itself, from its own dependencies. */
function fromFastify<Build>(name: string): Build {
  const fastify = createRequire(import.meta.url).resolve('fastify');
  const selector: unknown = createRequire(fastify)(name);
  if (!isSelector<Build>(selector))
    throw new Error(`${name} exports no function; this version of Fastify is not known`);
  return selector();
}

/** A name in a JSON schema of headers, at any depth, that no header can have: in Node all are lower case. */
function headerWithCapitals(route: object): string | undefined {
  if (!('httpPart' in route && route.httpPart === 'headers' && 'schema' in route)) return undefined;
  const names: string[] = [];
  JSON.stringify(route.schema, (key, value: unknown) => {
    if (key === 'properties' && typeof value === 'object' && value !== null) names.push(...Object.keys(value));
    if (key === 'required' && Array.isArray(value)) names.push(...value.map(String));
    return value;
  });
  return names.find((name) => /[A-Z]/.test(name));
}

const buildValidator: BuildValidator = (schemas, options) => {
  const compile = fromFastify<BuildValidator>('@fastify/ajv-compiler')(schemas, options);
  return (route) => {
    // Fastify lower-cases them itself, but not for a custom compiler.
    const wrong = typeof route === 'object' ? headerWithCapitals(route) : undefined;
    if (wrong !== undefined) throw new Error(`the schema of headers must name ${wrong} in lower case`);
    return compile(route);
  };
};

const buildSerializer: BuildSerializer = (schemas, options) =>
  fromFastify<BuildSerializer>('@fastify/fast-json-stringify-compiler')(schemas, options);

/**
 * Fastify's settings for routes with JSON schemas: its own compilers, loaded for the first such route. Fastify itself would load them at every start, 170 files, and
 * bodies here are parsed by zod.
 */
export const routeSchemaOptions: Pick<FastifyServerOptions, 'schemaController'> = {
  schemaController: { compilersFactory: { buildValidator, buildSerializer } },
};
