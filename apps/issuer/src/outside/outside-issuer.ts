import {
  isPlainHttp,
  knownAlgorithms,
  knownProfiles,
  supportedAlgorithms,
  type ProfileName,
} from '@countersign/auth-core';
import { z } from 'zod';
import { jwksUriSchema } from '../registry/client.js';
import { nameSchema } from '../registry/names.js';

/** Maximum outside issuers in one file. */
const ISSUERS_LIMIT = 64;
const ROLES_LIMIT = 64;

/** What is accepted from an issuer: tokens for exchange (RFC 8693, section 3), and assertions (RFC 7523; ID-JAG). */
const outsideTokenKinds = ['access_token', 'id_token', 'jwt', 'id-jag'] as const;
export type OutsideTokenKind = (typeof outsideTokenKinds)[number];

const profileSchema = z.custom<ProfileName>(
  (name) => typeof name === 'string' && Object.hasOwn(knownProfiles, name),
  `must be one of ${Object.keys(knownProfiles).join(', ')}`,
);

const outsideIssuerSchema = z.strictObject({
  /** The prefix of its people's names here: their subject is `<name>|<their sub>`. */
  name: nameSchema,
  /** Its identifier, compared exactly with `iss`. */
  issuer: z
    .url({ protocol: /^https?$/ })
    .max(512)
    .refine((url) => URL.canParse(url) && !isPlainHttp(url), 'must be an https URL (http only on loopback)'),
  /** Where its keys are; found through its metadata when left out. */
  jwks_uri: jwksUriSchema.optional(),
  /** The form of its access tokens. */
  profile: profileSchema.default('rfc9068'),
  algorithms: z
    .array(z.enum(knownAlgorithms))
    .min(1)
    .default([...supportedAlgorithms]),
  /** Which kinds of tokens are accepted from it. */
  accepts: z.array(z.enum(outsideTokenKinds)).min(1),
  /** Where its tokens name roles: the path of member names, outermost first; by default as the profile defines. */
  roles_claim: z.array(z.string().min(1).max(128)).min(1).max(4).optional(),
  /** Mapping of its roles to ours; others are ignored. */
  roles: z
    .record(z.string().min(1).max(256), nameSchema)
    .refine((roles) => Object.keys(roles).length <= ROLES_LIMIT, `must name at most ${String(ROLES_LIMIT)} roles`)
    .default({}),
});
/** Another issuer whose people are accepted here. */
export type OutsideIssuer = z.infer<typeof outsideIssuerSchema>;

export const outsideIssuersFileSchema = z
  .strictObject({ $schema: z.string().optional(), issuers: z.array(outsideIssuerSchema).max(ISSUERS_LIMIT) })
  .superRefine(({ issuers }, context) => {
    for (const member of ['name', 'issuer'] as const) {
      const all = issuers.map((one) => one[member]);
      const twice = all.find((one, at) => all.indexOf(one) !== at);
      if (twice === undefined) continue;
      context.addIssue({ code: 'custom', message: `the ${member} ${twice} is declared twice`, path: ['issuers'] });
    }
  });
