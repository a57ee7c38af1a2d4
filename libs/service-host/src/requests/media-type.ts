import { RouteConfig } from '@nestjs/platform-fastify';
import { type FastifyRequest } from 'fastify';
import { OpenApi } from '../openapi/openapi-decorators.js';
import { Problem } from '../problems/problem.js';

const JSON_TYPE = 'application/json';
/** RFC 6749, appendix B. */
export const FORM_TYPE = 'application/x-www-form-urlencoded';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The one media type that the route takes as a body; JSON when left out. */
    accepts?: typeof FORM_TYPE;
  }
}

const acceptsForm = RouteConfig({ accepts: FORM_TYPE });
const documentsForm = OpenApi(({ ApiConsumes }) => ApiConsumes(FORM_TYPE));

/** A route that takes a form; any other body is refused with 415. A route without this takes JSON only. */
export const AcceptsForm = (): MethodDecorator => (target, key, descriptor) => {
  acceptsForm(target, key, descriptor);
  documentsForm(target, key, descriptor);
};

const bodiless = new Set(['GET', 'HEAD', 'OPTIONS']);

/** The media type that the route of a request takes. */
function acceptedType(request: FastifyRequest): string {
  // A request that met no route has no configuration of one.
  const config: { readonly accepts?: string } | undefined = request.routeOptions.config;
  return config?.accepts ?? JSON_TYPE;
}

/** What is answered for a body of another type. */
function unsupportedType(request: FastifyRequest): Problem {
  return new Problem(415, 'MEDIA_TYPE_UNSUPPORTED', `Send ${acceptedType(request)}.`);
}

/**
 * Refuses a body before it is read: of another type than the route takes, or compressed, because no service here decompresses.
 * @returns undefined for one that may be read
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
