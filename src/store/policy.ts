import type { Approval, Conditions, Exemption, Rule, Verdict } from '../policy/rules.ts'
import { json, type Queryable } from './db.ts'
import { afterKey, orderBy, parameters, sortKeyOf, type Order, type SortKey, type Sorted } from './order.ts'

type ApprovalRow = {
  id: string, pattern: string, least_evidence: Approval['leastEvidence'], reason: string, author: string
  not_before: Date, not_after: Date | null, ended_at: Date | null
}
type RuleRow = { id: string, verdict: Verdict, conditions: Conditions, reason: string, text_for_person: string | null, author: string, created_at: Date }
type ExemptionRow = {
  id: string, device_id: string, invitation_id: string, verdict: Verdict, least_evidence: Exemption['evidence']
  reason: string, author: string, not_after: Date, text_for_person: string | null
}

const approvalColumns = 'id, pattern, least_evidence, reason, author, not_before, not_after, ended_at'
const ruleColumns = 'id, verdict, conditions, reason, text_for_person, author, created_at'
const exemptionColumns = 'id, device_id, invitation_id, verdict, least_evidence, reason, author, not_after, text_for_person'

const approvalOf = (row: ApprovalRow): Approval => ({
  id: row.id, pattern: row.pattern, leastEvidence: row.least_evidence, reason: row.reason, author: row.author,
  notBefore: row.not_before, notAfter: row.not_after, endedAt: row.ended_at,
})
const ruleOf = (row: RuleRow): Rule => ({
  id: row.id, verdict: row.verdict, conditions: row.conditions, reason: row.reason, author: row.author, createdAt: row.created_at,
  textForPerson: row.text_for_person ?? undefined,
})
const exemptionOf = (row: ExemptionRow): Exemption => ({
  id: row.id, deviceId: row.device_id, invitationId: row.invitation_id, verdict: row.verdict, evidence: row.least_evidence,
  reason: row.reason, author: row.author, notAfter: row.not_after, textForPerson: row.text_for_person ?? undefined,
})

export const exemptionOrders = { created: { columns: [{ sql: 'created_at', type: 'timestamptz' }, { sql: 'id', type: 'uuid' }] } } as const satisfies Record<string, Order>

export function policyStore(db: Queryable) {
  return {
    async addApproval(a: Approval): Promise<void> {
      await db.query(`insert into approvals (${approvalColumns}) values ($1, $2, $3, $4, $5, $6, $7, $8)`,
        [a.id, a.pattern, a.leastEvidence, a.reason, a.author, a.notBefore, a.notAfter, a.endedAt])
    },
    /** Approvals that hold or will, and those that ended after `since`. */
    async explaining(since: Date): Promise<Approval[]> {
      return (await db.query<ApprovalRow>(`select ${approvalColumns} from approvals where ended_at is null or ended_at > $1`, [since])).map(approvalOf)
    },
    /** Approvals that hold now or will: neither withdrawn nor run out. */
    async approvals(now: Date): Promise<Approval[]> {
      return (await db.query<ApprovalRow>(`select ${approvalColumns} from approvals
        where ended_at is null and (not_after is null or not_after >= $1) order by pattern, not_before, id`, [now])).map(approvalOf)
    },
    /** Withdraws. @returns what was withdrawn */
    async endApprovals(which: { id: string } | { pattern: string }, now: Date, by: string): Promise<Approval[]> {
      const [where, value] = 'id' in which ? ['id = $1', which.id] : ['pattern = $1', which.pattern]
      return (await db.query<ApprovalRow>(`update approvals set ended_at = $2, ended_by = $3
        where ${where} and ended_at is null and (not_after is null or not_after >= $2) returning ${approvalColumns}`, [value, now, by])).map(approvalOf)
    },
    async addRule(r: Rule): Promise<void> {
      await db.query(`insert into rules (${ruleColumns}) values ($1, $2, $3, $4, $5, $6, $7)`,
        [r.id, r.verdict, json(r.conditions), r.reason, r.textForPerson, r.author, r.createdAt])
    },
    async rules(): Promise<Rule[]> {
      return (await db.query<RuleRow>(`select ${ruleColumns} from rules where ended_at is null order by created_at, id`)).map(ruleOf)
    },
    /** @returns the rule that was ended; undefined when there was none, or it had ended */
    async endRule(id: string, now: Date): Promise<Rule | undefined> {
      const [row] = await db.query<RuleRow>(`update rules set ended_at = $2 where id = $1 and ended_at is null returning ${ruleColumns}`, [id, now])
      return row === undefined ? undefined : ruleOf(row)
    },
    async addExemption(e: Exemption, now: Date): Promise<void> {
      await db.query(`insert into exemptions (${exemptionColumns}, created_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
        [e.id, e.deviceId, e.invitationId, e.verdict, e.evidence, e.reason, e.author, e.notAfter, e.textForPerson, now])
    },
    /** Newest first. */
    async listExemptions(now: Date, { deviceId, sorted, limit }: { deviceId?: string | undefined, sorted: Sorted, limit: number }): Promise<(Exemption & { sortKey: SortKey })[]> {
      const { values, add } = parameters()
      const conditions = [afterKey(sorted, add), `not_after >= ${add(now)}`, ...deviceId === undefined ? [] : [`device_id = ${add(deviceId)}`]]
      return (await db.query<ExemptionRow & { sort_key: SortKey }>(`select ${exemptionColumns}, ${sortKeyOf(sorted)} from exemptions
        where ended_at is null and ${conditions.join(' and ')} ${orderBy(sorted)} limit ${add(limit)}`, values)).map(row => ({ ...exemptionOf(row), sortKey: row.sort_key }))
    },
    async exemptions(now: Date, deviceId: string): Promise<Exemption[]> {
      return (await db.query<ExemptionRow>(`select ${exemptionColumns} from exemptions
        where ended_at is null and not_after >= $1 and device_id = $2 order by created_at, id`, [now, deviceId])).map(exemptionOf)
    },
    async exemption(id: string, now: Date): Promise<Exemption | undefined> {
      const [row] = await db.query<ExemptionRow>(`select ${exemptionColumns} from exemptions where id = $1 and ended_at is null and not_after >= $2`, [id, now])
      return row === undefined ? undefined : exemptionOf(row)
    },
    async endExemption(id: string, now: Date): Promise<Exemption | undefined> {
      const [row] = await db.query<ExemptionRow>(`update exemptions set ended_at = $2 where id = $1 and ended_at is null returning ${exemptionColumns}`, [id, now])
      return row === undefined ? undefined : exemptionOf(row)
    },
  }
}
