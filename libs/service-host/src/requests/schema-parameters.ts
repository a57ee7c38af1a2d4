import { Body, Param, Query, type ArgumentMetadata, type PipeTransform } from '@nestjs/common';
import { z } from 'zod';
import { oddText } from './json-body.js';
import { whenDocumented, type Swagger } from '../openapi/openapi-decorators.js';
import { pathOfOddText } from './plain-text.js';
import { Problem } from '../problems/problem.js';

/** Parses with a zod schema; invalid input becomes a 400 that lists each fault by its path. */
export class SchemaPipe<Schema extends z.ZodType> implements PipeTransform<unknown, z.infer<Schema>> {
  constructor(private readonly schema: Schema) {}

  transform(value: unknown, metadata?: ArgumentMetadata): z.infer<Schema> {
    // The text of a body was checked when it was parsed.
    const odd = metadata?.type === 'body' ? undefined : pathOfOddText(value, metadata?.data);
    if (odd !== undefined) throw oddText(odd);
    const parsed = this.schema.safeParse(value ?? {});
    if (parsed.success) return parsed.data;
    const errors = parsed.error.issues
      .slice(0, 20)
      .map((issue) => ({ path: issue.path.map(String).join('.'), message: issue.message }));
    throw new Problem(400, 'REQUEST_INVALID', 'The request is not valid for this route; see errors.', { errors });
  }
}

function jsonSchemaOf(schema: z.ZodType): Record<string, unknown> {
  const schemaOf = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', target: 'openapi-3.0' });
  return Object.fromEntries(Object.entries(schemaOf).filter(([member]) => member !== '$schema'));
}

function describe(
  decorator: (swagger: Swagger) => MethodDecorator,
  target: object,
  key: string | symbol | undefined,
): void {
  if (key === undefined) return;
  const descriptor = Object.getOwnPropertyDescriptor(target, key);
  if (descriptor === undefined) return;
  whenDocumented((swagger) => {
    decorator(swagger)(target, key, descriptor);
  });
}

/** The JSON body, parsed by the schema (make it strict: unknown fields are then refused); also written to /openapi.json. */
export function ZodBody(schema: z.ZodType): ParameterDecorator {
  return (target, key, index) => {
    Body(new SchemaPipe(schema))(target, key, index);
    describe(({ ApiBody }) => ApiBody({ schema: jsonSchemaOf(schema) }), target, key);
  };
}

/** The query string as one object, parsed by the schema; each member is also written to /openapi.json. */
export function ZodQuery(schema: z.ZodObject): ParameterDecorator {
  return (target, key, index) => {
    Query(new SchemaPipe(schema))(target, key, index);
    for (const [name, member] of Object.entries(schema.shape)) {
      if (!(member instanceof z.ZodType)) continue;
      const required = !member.safeParse(undefined).success;
      describe(({ ApiQuery }) => ApiQuery({ name, required, schema: jsonSchemaOf(member) }), target, key);
    }
  };
}

/** One path parameter, parsed by the schema; an invalid value is a 400. */
export function ZodParam(name: string, schema: z.ZodType): ParameterDecorator {
  return (target, key, index) => {
    Param(name, new SchemaPipe(schema))(target, key, index);
    describe(({ ApiParam }) => ApiParam({ name, schema: jsonSchemaOf(schema) }), target, key);
  };
}
