import { z } from 'zod';

/** RFC 6749, section 3.3: printable ASCII without space, quote and backslash. */
export const scopePattern = /^[\x21\x23-\x5b\x5d-\x7e]{1,128}$/;
export const scopeSchema = z.string().regex(scopePattern, 'must be a scope: printable ASCII without space, " and \\');
export const namePattern = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/;
export const nameSchema = z.string().regex(namePattern, 'must be a name: letters, digits, . _ : -');
/** A service's name, or an absolute URI without fragment (RFC 8707, section 2). */
export const audiencePattern =
  /^(?:[A-Za-z0-9][A-Za-z0-9._:-]{0,127}|https?:\/\/[A-Za-z0-9._~:/?@!$&'()*+,;=%[\]-]{1,240})$/;
export const audienceSchema = z
  .string()
  .regex(audiencePattern, 'must be an audience: a name, or an absolute http(s) URI without fragment');

/** Maximum scopes of one token, and so of an audience's or an edge's list. */
export const SCOPES_LIMIT = 64;
/** Maximum audiences, and exchange edges, of one policy. */
export const POLICY_LIMIT = 64;
