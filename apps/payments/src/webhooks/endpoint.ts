import { z } from 'zod';
import { noticeTypes, type NoticeType } from './notice.js';

export const endpointIdSchema = z.uuid().brand('EndpointId');
export type EndpointId = z.infer<typeof endpointIdSchema>;

/** Endpoints of one client at the most. */
export const ENDPOINT_LIMIT = 10;
/** Characters of an endpoint's URL at the most. */
export const URL_LIMIT = 2_048;
/** Deliveries of one page at the most. */
export const DELIVERY_PAGE_LIMIT = 200;
/** Deliveries that one replay takes up at the most. */
export const REPLAY_LIMIT = 1_000;

/** What `POST /webhooks` takes: where to, and what about (everything by default). */
export const registerEndpointSchema = z.strictObject({
  url: z.string().min(1).max(URL_LIMIT),
  types: z
    .array(z.enum(noticeTypes))
    .min(1)
    .max(noticeTypes.length)
    .refine((types) => new Set(types).size === types.length, 'names each type once')
    .default([...noticeTypes]),
});
export type RegisterEndpoint = z.infer<typeof registerEndpointSchema>;

/** `active`; `gone`: the merchant answered 410, nothing more is sent; `removed` by its owner. */
export type EndpointStatus = 'active' | 'gone' | 'removed';

export interface Endpoint {
  readonly id: EndpointId;
  readonly clientId: string;
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
  readonly status: EndpointStatus;
  readonly created_at: string;
}

export function endpointToJson({ id, url, types, status, createdAt }: Endpoint): EndpointJson {
  return { id, url, types, status, created_at: createdAt.toISOString() };
}
