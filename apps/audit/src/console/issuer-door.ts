/** Maximum bytes of a forwarded response. */
export const ANSWER_LIMIT = 4 * 1024 * 1024;

// A path segment as browsers encode it (RFC 3986, section 2.1): the id of a person has a colon, that of a client may be a URL.
const id = '(?:[A-Za-z0-9._:~-]|%[0-9A-F]{2}){1,512}';
const paths = (...texts: readonly string[]): readonly RegExp[] =>
  texts.map((text) => new RegExp(`^${text.replaceAll(':id', id)}$`));

/** The routes of the issuer's administration that the console may call with a person's own rights: those its screens use, and no others. */
const allowed: Readonly<Record<string, readonly RegExp[]>> = {
  GET: paths(
    'admin/clients',
    'admin/clients/:id',
    'admin/keys',
    'admin/revocation-keys',
    'admin/revocations',
    'admin/revocations/preview',
    'admin/delegations',
    'admin/people',
    'admin/people/:id',
    'admin/api-keys',
    'admin/api-keys/:id',
    'admin/api-keys/:id/usage',
  ),
  POST: paths(
    'admin/clients/:id/disable',
    'admin/clients/:id/enable',
    'admin/clients/:id/keys',
    'admin/clients/:id/secrets',
    'admin/keys/rotate',
    'admin/keys/:id/revoke',
    'admin/revocation-keys/rotate',
    'admin/revocation-keys/:id/revoke',
    'admin/revocations',
    'admin/delegations/:id/end',
    'admin/people/:id/end-sessions',
    'admin/people/:id/sessions/:id/end',
    'admin/people/:id/disable',
    'admin/people/:id/enable',
    'admin/api-keys/:id/rotate',
    'admin/api-keys/:id/disable',
    'admin/api-keys/:id/enable',
    'admin/api-keys/:id/revoke',
  ),
  DELETE: paths('admin/clients/:id/keys/:id', 'admin/clients/:id/secrets/:id'),
};

/**
 * Whether a request may pass.
 * @param path below the issuer's root, without a leading slash and without a query, as received
 */
export function mayPass(method: string, path: string): boolean {
  if (path.split('/').some(leadsAway)) return false;
  return Object.hasOwn(allowed, method) && allowed[method]?.some((one) => one.test(path)) === true;
}

/** Whether a segment is a dot segment, however it is written (WHATWG URL, section 4.4), or is not UTF-8. */
function leadsAway(part: string): boolean {
  try {
    return ['.', '..'].includes(decodeURIComponent(part));
  } catch {
    return true;
  }
}
