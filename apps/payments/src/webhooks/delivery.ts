import { idSchema, timeBoundSchema } from '@countersign/service-host';
import { z } from 'zod';
import { DELIVERY_PAGE_LIMIT, type EndpointId } from './endpoint.js';
import { type NoticeType } from './notice.js';

const deliveryStatuses = ['pending', 'delivered', 'failed'] as const;
export type DeliveryStatus = (typeof deliveryStatuses)[number];

export interface Delivery {
  readonly endpointId: EndpointId;
  /** The notice's id, the same to every endpoint. */
  readonly eventId: string;
  readonly type: NoticeType;
  readonly paymentId: string;
  readonly body: string;
  readonly status: DeliveryStatus;
  /** Since it was first sent, or replayed. */
  readonly attempts: number;
  readonly nextAttemptAt: Date | null;
  readonly lastStatus: number | null;
  readonly lastError: string | null;
  readonly createdAt: Date;
  readonly deliveredAt: Date | null;
}

/** `GET /webhooks/{id}/deliveries`: newest first; `cursor` is the `next_cursor` of the previous page. */
export const listDeliveriesSchema = z.strictObject({
  status: z.enum(deliveryStatuses).optional(),
  limit: z.coerce.number().int().min(1).max(DELIVERY_PAGE_LIMIT).default(50),
  cursor: idSchema.optional(),
});
export type ListDeliveries = z.infer<typeof listDeliveriesSchema>;

/** `POST /webhooks/{id}/replay`: one event, or every one since a time (the oldest thousand of them). */
export const replaySchema = z
  .strictObject({
    event_id: idSchema.optional(),
    since: timeBoundSchema.optional(),
  })
  .refine(({ event_id, since }) => (event_id === undefined) !== (since === undefined), {
    message: 'must have either event_id or since',
  });
export type Replay = z.infer<typeof replaySchema>;

const minute = 60_000;
const hour = 60 * minute;

/** Waits before the 2nd, 3rd, … attempt, in milliseconds: about two and a half days in all. */
const waits = [
  5_000,
  30_000,
  2 * minute,
  10 * minute,
  30 * minute,
  hour,
  3 * hour,
  6 * hour,
  12 * hour,
  12 * hour,
  24 * hour,
];

/** Days that a delivery can be replayed. */
export const DELIVERY_DAYS = 30;

/** Days for which a delivery waits for an endpoint that does not answer. */
export const GIVE_UP_DAYS = 3;

/** Maximum attempts of one delivery, unless it is replayed. */
export const ATTEMPT_LIMIT = waits.length + 1;

/**
 * When to try again after so many attempts without success: half of the wait is fixed, half random, so that endpoints which failed together
 * are not retried together.
 * @param random 0 to 1
 * @returns undefined after the last attempt
 */
export function nextAttempt(attempts: number, now: Date, random: number): Date | undefined {
  const wait = waits[attempts - 1];
  return wait === undefined ? undefined : new Date(now.getTime() + wait * (0.5 + random / 2));
}

export interface DeliveryJson {
  readonly event_id: string;
  readonly type: NoticeType;
  readonly payment_id: string;
  readonly status: DeliveryStatus;
  readonly attempts: number;
  readonly next_attempt_at: string | null;
  readonly last_status: number | null;
  readonly last_error: string | null;
  readonly created_at: string;
  readonly delivered_at: string | null;
}

export interface DeliveryPageJson {
  readonly deliveries: readonly DeliveryJson[];
  readonly next_cursor: string | null;
}

export function deliveryToJson(delivery: Delivery): DeliveryJson {
  return {
    event_id: delivery.eventId,
    type: delivery.type,
    payment_id: delivery.paymentId,
    status: delivery.status,
    attempts: delivery.attempts,
    next_attempt_at: delivery.nextAttemptAt?.toISOString() ?? null,
    last_status: delivery.lastStatus,
    last_error: delivery.lastError,
    created_at: delivery.createdAt.toISOString(),
    delivered_at: delivery.deliveredAt?.toISOString() ?? null,
  };
}
