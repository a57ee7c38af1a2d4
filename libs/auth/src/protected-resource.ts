import { supportedAlgorithms } from '@countersign/auth-core';
import { type Route } from './route-report.service.js';
import { namedScopes } from './route-needs.js';

const WELL_KNOWN = '/.well-known/oauth-protected-resource';

/** Metadata of a protected resource (RFC 9728, section 2). */
export interface ProtectedResourceMetadata {
  /** The resource identifier: the URL that callers use. */
  readonly resource: string;
  readonly authorization_servers: readonly string[];
  readonly scopes_supported: readonly string[];
  readonly bearer_methods_supported: readonly ['header'];
  readonly resource_name: string;
  /** Whether some routes take an API key, in `Authorization` or `X-API-Key`; omitted if none does. */
  readonly api_keys_supported?: true;
  readonly dpop_signing_alg_values_supported: readonly string[];
}

/**
 * Reads a resource identifier (RFC 9728, section 1.2): an absolute URL without fragment or query.
 * @throws {TypeError} for anything else
 */
export function resourceUrl(resource: string): URL {
  const url = URL.canParse(resource) ? new URL(resource) : undefined;
  if (
    url === undefined ||
    !/^https?:$/.test(url.protocol) ||
    url.hash !== '' ||
    url.search !== '' ||
    /["\\\s]/.test(resource)
  )
    throw new TypeError(
      `resource must be the service's own URL, without query and fragment, not ${JSON.stringify(resource)}`,
    );
  return url;
}

/** The path of a resource's metadata: the well-known part precedes the resource's own path (RFC 9728, section 3.1). */
export function metadataPath(resource: string): string {
  const { pathname } = resourceUrl(resource);
  return `${WELL_KNOWN}${pathname === '/' ? '' : pathname}`;
}

/** What `WWW-Authenticate` names as `resource_metadata` (RFC 9728, section 5.1). */
export function metadataUrl(resource: string): string {
  return `${resourceUrl(resource).origin}${metadataPath(resource)}`;
}

/** Generated from the needs that the guard checks. */
export function metadataOf(
  {
    resource,
    issuers,
    audience,
  }: { readonly resource: string; readonly issuers: readonly string[]; readonly audience: string },
  routes: readonly Route[],
): ProtectedResourceMetadata {
  return {
    resource,
    authorization_servers: issuers,
    scopes_supported: [...new Set(routes.flatMap(({ needs }) => namedScopes(needs)))].sort(),
    bearer_methods_supported: ['header'],
    resource_name: audience,
    ...(routes.some(({ needs }) => needs?.public === false && needs.apiKeys !== undefined)
      ? { api_keys_supported: true as const }
      : {}),
    dpop_signing_alg_values_supported: supportedAlgorithms,
  };
}
