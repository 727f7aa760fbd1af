/** How each change of policy is put in force and taken back. */
import { randomUUID } from 'node:crypto'
import { CaError } from '../../../errors.ts'
import type { Actor } from '../../../http/actor.ts'
import type { RecordChange } from '../../../http/change.ts'
import type { Approval, Exemption, Rule } from '../../../policy/rules.ts'
import type { Queryable } from '../../../store/db.ts'
import { deviceStore } from '../../../store/devices.ts'
import { policyStore } from '../../../store/policy.ts'
import type { PolicyChange } from '../../../store/policy-changes.ts'

type Work = { tx: Queryable, record: RecordChange, actor: Actor, now: Date, change: PolicyChange }

/** Puts it in force. @returns ids of what was added @throws {CaError} conflict when somebody else changed the same meanwhile */
export async function putInForce({ tx, record, actor, now, change: { edit, id: changeId } }: Work): Promise<string[]> {
  const detail = { change: changeId }
  switch (edit.kind) {
    case 'add-rule': return await addRule({ tx, record }, { ...edit.rule, createdAt: now }, detail)
    case 'remove-rule': {
      if (await policyStore(tx).endRule(edit.rule.id, now) === undefined) throw meanwhile('rule')
      await record('rule.remove', `rule:${edit.rule.id}`, { verdict: edit.rule.verdict, conditions: edit.rule.conditions, ...detail })
      return []
    }
    case 'approve': return await addApprovals({ tx, record, now }, edit.approvals, detail)
    case 'exempt': return await addExemption({ tx, record, now }, edit.exemption, detail)
    case 'end-exemption': {
      if (await policyStore(tx).endExemption(edit.exemption.id, now) === undefined) throw meanwhile('exemption')
      await record('exemption.end', `device:${edit.exemption.deviceId}`, { exemption: edit.exemption.id, verdict: edit.exemption.verdict, ...detail })
      return []
    }
    case 'withdraw': {
      for (const { id: approvalId } of edit.approvals) {
        if ((await policyStore(tx).endApprovals({ id: approvalId }, now, actor.name)).length === 0) throw meanwhile('approval')
      }
      await record('approval.withdraw', `approval:${edit.approvals.length === 1 ? edit.approvals[0]!.id : 'selection'}`, { patterns: edit.approvals.map(({ pattern }) => pattern), ...detail })
      return []
    }
  }
}

const meanwhile = (what: string): CaError => new CaError('conflict', `the ${what} is not in force any more: somebody was faster. Preview the change again`)

async function addRule({ tx, record }: Pick<Work, 'tx' | 'record'>, rule: Rule, detail: object): Promise<string[]> {
  await policyStore(tx).addRule(rule)
  await record('rule.add', `rule:${rule.id}`, { verdict: rule.verdict, conditions: rule.conditions, reason: rule.reason, ...detail })
  return [rule.id]
}

async function addApprovals({ tx, record, now }: Pick<Work, 'tx' | 'record' | 'now'>, approvals: readonly Approval[], detail: object): Promise<string[]> {
  for (const approval of approvals) await policyStore(tx).addApproval({ ...approval, notBefore: now, endedAt: null })
  await record('approval.add', `approval:${approvals.length === 1 ? approvals[0]!.id : 'selection'}`, { patterns: approvals.map(({ pattern }) => pattern), ...detail })
  return approvals.map(approval => approval.id)
}

async function addExemption({ tx, record, now }: Pick<Work, 'tx' | 'record' | 'now'>, exemption: Exemption, detail: object): Promise<string[]> {
  const { id, deviceId, invitationId, verdict, evidence, notAfter, reason } = exemption
  await deviceStore(tx).lock(deviceId)
  await policyStore(tx).addExemption(exemption, now)
  await record('exemption.add', `device:${deviceId}`, { exemption: id, invitation: invitationId, verdict, evidence, until: notAfter, reason, ...detail })
  return [id]
}

/** Takes back what it put in force; what was ended before comes again, under new ids. */
export async function takeOutOfForce({ tx, record, actor, now, change: { edit, id: changeId, added } }: Work): Promise<void> {
  const detail = { change: changeId, takenBack: true }
  switch (edit.kind) {
    case 'add-rule': {
      for (const ruleId of added) await policyStore(tx).endRule(ruleId, now)
      return await record('rule.remove', `rule:${edit.rule.id}`, { verdict: edit.rule.verdict, conditions: edit.rule.conditions, ...detail })
    }
    case 'remove-rule': return void await addRule({ tx, record }, { ...edit.rule, id: randomUUID(), createdAt: now }, detail)
    case 'approve': {
      for (const approvalId of added) await policyStore(tx).endApprovals({ id: approvalId }, now, actor.name)
      return await record('approval.withdraw', 'approval:selection', { patterns: edit.approvals.map(({ pattern }) => pattern), ...detail })
    }
    case 'exempt': {
      for (const exemptionId of added) await policyStore(tx).endExemption(exemptionId, now)
      return await record('exemption.end', `device:${edit.exemption.deviceId}`, { exemption: edit.exemption.id, verdict: edit.exemption.verdict, ...detail })
    }
    case 'end-exemption': return void await addExemption({ tx, record, now }, { ...edit.exemption, id: randomUUID() }, detail)
    case 'withdraw': return void await addApprovals({ tx, record, now }, edit.approvals.map(approval => ({ ...approval, id: randomUUID() })), detail)
  }
}
