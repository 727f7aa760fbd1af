import type { Role } from './access.ts'
import type { Queryable } from './db.ts'

/** What people who administer can be told of by mail. */
export const noticeKinds = ['device.quarantined', 'front-end.standing', 'certificates.ending', 'signing.late', 'webhook.failed', 'policy.finished'] as const
export type NoticeKind = typeof noticeKinds[number]

/** Told to everybody who can do something about it, unless they say otherwise; the rest is told to who asks for it. */
const toldUnasked: readonly NoticeKind[] = ['device.quarantined', 'front-end.standing']
export const isToldUnasked = (kind: NoticeKind, role: Role): boolean => role !== 'auditor' && toldUnasked.includes(kind)

export function adminNotices(db: Queryable) {
  return {
    /** Addresses of those in office who want to be told of this. */
    async wantedBy(kind: NoticeKind): Promise<string[]> {
      return (await db.query<{ email: string }>(`select a.email from admins a left join admin_notices n on n.admin_id = a.id and n.kind = $1
        where a.ended_at is null and coalesce(n.wanted, $2::boolean and a.role <> 'auditor') order by a.created_at, a.id`, [kind, toldUnasked.includes(kind)])).map(({ email }) => email)
    },
    async of(adminId: string, role: Role): Promise<NoticeKind[]> {
      const chosen = new Map((await db.query<{ kind: NoticeKind, wanted: boolean }>('select kind, wanted from admin_notices where admin_id = $1', [adminId])).map(({ kind, wanted }) => [kind, wanted]))
      return noticeKinds.filter(kind => chosen.get(kind) ?? isToldUnasked(kind, role))
    },
    /** Says it of every kind, so that another role later changes nothing that was chosen. */
    async choose(adminId: string, wanted: readonly NoticeKind[]): Promise<void> {
      await db.query(`insert into admin_notices (admin_id, kind, wanted) select $1, kind, kind = any($3::text[]) from unnest($2::text[]) kind
        on conflict (admin_id, kind) do update set wanted = excluded.wanted`, [adminId, [...noticeKinds], [...wanted]])
    },
  }
}
