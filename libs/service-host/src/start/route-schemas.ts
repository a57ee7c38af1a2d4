import { createRequire } from 'node:module';
import { type FastifyServerOptions } from 'fastify';

type Compilers = NonNullable<NonNullable<FastifyServerOptions['schemaController']>['compilersFactory']>;
type BuildValidator = NonNullable<Compilers['buildValidator']>;
type BuildSerializer = NonNullable<Compilers['buildSerializer']>;

function isSelector<Build>(loaded: unknown): loaded is () => Build {
  return typeof loaded === 'function';
}

/** What Fastify would load itself, from its own dependencies. */
function fromFastify<Build>(name: string): Build {
  const fastify = createRequire(import.meta.url).resolve('fastify');
  const selector: unknown = createRequire(fastify)(name);
  if (!isSelector<Build>(selector)) throw new Error(`${name} exports no function; this version of Fastify is not known`);
  return selector();
}

/** Names of headers in a JSON schema, however deep. */
function headersIn(schema: unknown): readonly string[] {
  const names: string[] = [];
  JSON.stringify(schema, (key, value: unknown) => {
    if (key === 'properties' && typeof value === 'object' && value !== null) names.push(...Object.keys(value));
    if (key === 'required' && Array.isArray(value)) names.push(...value.map(String));
    return value;
  });
  return names;
}

const buildValidator: BuildValidator = (schemas, options) => {
  const compile = fromFastify<BuildValidator>('@fastify/ajv-compiler')(schemas, options);
  return (route) => {
    // Fastify lowers the names itself, but not for a compiler that it did not choose: they would match nothing.
    const wrong = route.httpPart === 'headers' ? headersIn(route.schema).find((name) => /[A-Z]/.test(name)) : undefined;
    if (wrong !== undefined) throw new Error(`the schema of headers must name ${wrong} in lower case`);
    return compile(route);
  };
};

const buildSerializer: BuildSerializer = (schemas, options) =>
  fromFastify<BuildSerializer>('@fastify/fast-json-stringify-compiler')(schemas, options);

/**
 * Fastify's settings for routes with JSON schemas: its own compilers, loaded for the first such route. Fastify loads them at every start, 170 files, and
 * bodies here are parsed by zod.
 */
export const routeSchemaOptions: Pick<FastifyServerOptions, 'schemaController'> = {
  schemaController: { compilersFactory: { buildValidator, buildSerializer } },
};
