import { RouteConfig } from '@nestjs/platform-fastify';
import { type FastifyRequest } from 'fastify';
import { OpenApi } from '../openapi/openapi-decorators.js';
import { Problem } from '../problems/problem.js';

const JSON_TYPE = 'application/json';
/** RFC 6749, appendix B. */
export const FORM_TYPE = 'application/x-www-form-urlencoded';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The one media type that the route accepts as a body; JSON by default. */
    accepts?: typeof FORM_TYPE;
  }
}

const acceptsForm = RouteConfig({ accepts: FORM_TYPE });
const documentsForm = OpenApi(({ ApiConsumes }) => ApiConsumes(FORM_TYPE));

/** A route that accepts a form; any other body is refused with 415. A route without this accepts only JSON. */
export const AcceptsForm = (): MethodDecorator => (target, key, descriptor) => {
  acceptsForm(target, key, descriptor);
  documentsForm(target, key, descriptor);
};

const bodiless = new Set(['GET', 'HEAD', 'OPTIONS']);

/** The media type that a request's route accepts. */
function acceptedType(request: FastifyRequest): string {
  // A request that matched no route has no route configuration.
  const config: { readonly accepts?: string } | undefined = request.routeOptions.config;
  return config?.accepts ?? JSON_TYPE;
}

/** The refusal of a body of another type. */
function unsupportedType(request: FastifyRequest): Problem {
  return new Problem(415, 'MEDIA_TYPE_UNSUPPORTED', `Send ${acceptedType(request)}.`);
}

/**
 * Refuses a body before it is read: of a type that the route does not accept, or compressed, because no service here decompresses.
 * @returns undefined if it may be read
 */
export function bodyFault(request: FastifyRequest): Problem | undefined {
  const { 'content-type': type, 'content-encoding': encoding } = request.headers;
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    return new Problem(415, 'CONTENT_ENCODING_UNSUPPORTED', 'Send the body uncompressed, without Content-Encoding.');
  }
  if (type === undefined || request.is404 || bodiless.has(request.method)) return undefined;
  const accepted = acceptedType(request);
  // The usual case needs no parsing.
  if (type === accepted || type.split(';', 1)[0]?.trim().toLowerCase() === accepted) return undefined;
  return unsupportedType(request);
}
