import type { Queryable } from './db.ts'

/** @property event  what it tells of: `invitation`, `device.quarantined`; @property body  text of a mail, JSON of a webhook */
export type OutboxMessage = { event: string, subject: string, body: string } & ({ kind: 'mail', recipient: string } | { kind: 'webhook' })
export type ClaimedMessage = OutboxMessage & { id: number, createdAt: Date, attempts: number }

type Row = { id: number, kind: 'mail' | 'webhook', event: string, recipient: string | null, subject: string, body: string, created_at: Date, attempts: number }
const claimedOf = ({ id, kind, event, recipient, subject, body, created_at: createdAt, attempts }: Row): ClaimedMessage =>
  kind === 'mail' ? { id, kind, event, recipient: recipient!, subject, body, createdAt, attempts } : { id, kind, event, subject, body, createdAt, attempts }

export function outboxStore(db: Queryable) {
  return {
    async add(message: OutboxMessage, now: Date): Promise<void> {
      await db.query('insert into outbox (kind, event, recipient, subject, body, created_at, due_at) values ($1, $2, $3, $4, $5, $6, $6)',
        [message.kind, message.event, message.kind === 'mail' ? message.recipient : null, message.subject, message.body, now])
    },
    /** Messages that are due, kept from other instances until `until`: who claims one and dies leaves it to be claimed again. */
    async claim(now: Date, until: Date, limit: number): Promise<ClaimedMessage[]> {
      const rows = await db.query<Row>(`update outbox set due_at = $2, attempts = attempts + 1 where id in (
          select id from outbox where ended_at is null and due_at <= $1 order by due_at limit $3 for update skip locked)
        returning id, kind, event, recipient, subject, body, created_at, attempts`, [now, until, limit])
      return rows.sort((a, b) => a.id - b.id).map(claimedOf)
    },
    async sent(id: number, now: Date): Promise<void> {
      await db.query('update outbox set sent = true, ended_at = $2, body = null, last_error = null where id = $1', [id, now])
    },
    /** @param next  when to try again; null gives up */
    async failed(id: number, error: string, next: Date | null, now: Date): Promise<void> {
      await db.query('update outbox set last_error = $2, due_at = coalesce($3, due_at), ended_at = case when $3::timestamptz is null then $4::timestamptz end, body = case when $3::timestamptz is null then null else body end where id = $1',
        [id, error, next, now])
    },
    /** How many were given up since then. At most a hundred are counted. */
    async givenUp(since: Date): Promise<number> {
      return (await db.query<{ count: number }>('select count(*)::int as count from (select 1 from outbox where ended_at > $1 and not sent limit 100) f', [since]))[0]!.count
    },
    /** Webhooks alone; at most a hundred are counted. */
    async webhooksGivenUp(since: Date): Promise<number> {
      return (await db.query<{ count: number }>(`select count(*)::int as count from (select 1 from outbox where ended_at > $1 and not sent and kind = 'webhook' limit 100) f`, [since]))[0]!.count
    },
    /** @returns true the first time that this is told of this subject */
    async notice(event: string, subject: string, now: Date): Promise<boolean> {
      return (await db.query('insert into notices (event, subject, at) values ($1, $2, $3) on conflict do nothing returning 1', [event, subject, now])).length === 1
    },
    /** A bounded number of what is long over. */
    async prune(before: Date): Promise<void> {
      await db.query('delete from outbox where id in (select id from outbox where ended_at < $1 order by ended_at limit 1000)', [before])
      await db.query('delete from notices where (event, subject) in (select event, subject from notices where at < $1 order by at limit 1000)', [before])
    },
  }
}

export type QuarantinedPhone = { enrollmentId: string, deviceId: string, invitationId: string, personName: string, personEmail: string, productType: string, decidedAt: Date, reason: string | null }

/** Phones that began to wait since then, the longest waiting first. */
export async function quarantinedSince(db: Queryable, since: Date, limit: number): Promise<QuarantinedPhone[]> {
  return await db.query<QuarantinedPhone>(`
    select e.id as "enrollmentId", d.id as "deviceId", e.invitation_id as "invitationId", p.name as "personName", p.email as "personEmail", d.product_type as "productType",
      e.decided_at as "decidedAt", e.decision ->> 'textForAdmin' as reason
    from enrollments e join devices d on d.id = e.device_id join people p on p.id = d.person_id
    where e.state = 'quarantined' and e.decided_at > $1 and e.decision ->> 'verdict' = 'quarantine' order by e.decided_at limit $2`, [since, limit])
}
