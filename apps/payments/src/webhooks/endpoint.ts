import { idSchema, pageOf } from '@countersign/service-host';
import { URL_LIMIT } from '@countersign/service-host/outgoing';
import { z } from 'zod';
import { noticeTypes, type NoticeType } from './notice.js';

export const endpointIdSchema = idSchema.brand('EndpointId');
export type EndpointId = z.infer<typeof endpointIdSchema>;

/** Maximum endpoints of one subject through one client. */
export const ENDPOINT_LIMIT = 10;
/** Maximum endpoints of one page. */
const ENDPOINT_PAGE_LIMIT = 200;
/** Maximum deliveries of one page. */
export const DELIVERY_PAGE_LIMIT = 200;
/** Maximum deliveries of one replay. */
export const REPLAY_LIMIT = 1_000;

/** Whose payments an endpoint is notified of: its subject's, or those of all subjects that its client acts for. */
export const endpointReaches = ['subject', 'client'] as const;
export type EndpointReach = (typeof endpointReaches)[number];

/** The body of `POST /webhooks`: the URL, the event types (all by default), and whose payments (by default as far as the scope reaches). */
export const registerEndpointSchema = z.strictObject({
  url: z.string().min(1).max(URL_LIMIT),
  types: z
    .array(z.enum(noticeTypes))
    .min(1)
    .max(noticeTypes.length)
    .refine((types) => new Set(types).size === types.length, 'must name each type once')
    .default([...noticeTypes]),
  reach: z.enum(endpointReaches).optional(),
});
export type RegisterEndpoint = z.infer<typeof registerEndpointSchema>;

/** `GET /webhooks`: newest first; `cursor` is the `next_cursor` of the previous page. */
export const listEndpointsSchema = z.strictObject({
  limit: z.coerce.number().int().min(1).max(ENDPOINT_PAGE_LIMIT).default(50),
  cursor: endpointIdSchema.optional(),
});
export type ListEndpoints = z.infer<typeof listEndpointsSchema>;

/** `active`; `gone`: the merchant answered 410, nothing more is sent; `removed` by its owner. */
export type EndpointStatus = 'active' | 'gone' | 'removed';

export interface Endpoint {
  readonly id: EndpointId;
  readonly clientId: string;
  readonly subject: string;
  readonly reach: EndpointReach;
  readonly url: string;
  readonly types: NoticeType[];
  readonly status: EndpointStatus;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export interface EndpointJson {
  readonly id: string;
  readonly url: string;
  readonly types: readonly NoticeType[];
  readonly reach: EndpointReach;
  readonly status: EndpointStatus;
  readonly created_at: string;
}

export function endpointToJson({ id, url, types, reach, status, createdAt }: Endpoint): EndpointJson {
  return { id, url, types, reach, status, created_at: createdAt.toISOString() };
}

export interface EndpointPageJson {
  readonly webhooks: readonly EndpointJson[];
  readonly next_cursor: string | null;
}

/** @param found one more than the page holds, if another page follows */
export function endpointPageToJson(found: readonly Endpoint[], limit: number): EndpointPageJson {
  const { rows, last } = pageOf(found, limit);
  return { webhooks: rows.map(endpointToJson), next_cursor: last?.id ?? null };
}
