import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { osVersionOf } from '../../../devices/catalogue.ts'
import { CaError } from '../../../errors.ts'
import { serializeCsvLine } from '../../../formats/csv.ts'
import { advancePolicyChanges } from '../../../http/advance-policy-changes.ts'
import { change as makeChange } from '../../../http/change.ts'
import type { Service } from '../../../http/service.ts'
import { policyChangeStore, type ChangeState, type EffectListing, type PolicyChange } from '../../../store/policy-changes.ts'
import { at, atOrNull, byId, id, instant, instantInput, keyIn, page, pageInput, pageOf, parseTimeKey, timeKey } from '../fields.ts'
import { operation, type CsvForm } from '../operation.ts'
import { grade, verdict } from './decision-view.ts'
import { editInput, editOf, sentenceOf } from './policy-edits.ts'
import { putInForce, takeOutOfForce } from './policy-in-force.ts'

const changeView = z.strictObject({
  id, sentence: z.string(), kind: z.enum(['add-rule', 'remove-rule', 'approve', 'withdraw', 'exempt', 'end-exemption']),
  /** `counting` what it reaches, `ready` to be applied, `applying` (also until its grace date), `applied`, `undoing`, `undone`. */
  state: z.enum(['counting', 'ready', 'applying', 'applied', 'undoing', 'undone']),
  createdAt: instant, createdBy: z.string(),
  /** Phones looked at so far, of about so many. */
  checked: z.int(), total: z.int(),
  /** Certificates that stop, of so many people and phones; how many of those phones can be updated to what a rule asks for; phones that may come in newly. */
  reach: z.strictObject({ certificates: z.int(), people: z.int(), phones: z.int(), updatable: z.int(), starts: z.int() }),
  action: z.enum(['leave', 'hold', 'revoke']).nullable(), dueAt: instant.nullable(), notify: z.boolean(),
  appliedAt: instant.nullable(), appliedBy: z.string().nullable(), undoneAt: instant.nullable(), undoneBy: z.string().nullable(),
  /** What became of the certificates; `passedOver` are those that were not to be stopped any more when their turn came, `left` those that were left as they are. */
  outcome: z.strictObject({ held: z.int(), revoked: z.int(), released: z.int(), passedOver: z.int(), left: z.int() }),
})
export type PolicyChangeView = z.input<typeof changeView>

async function viewOf(service: Service, change: PolicyChange): Promise<PolicyChangeView> {
  const { certificates, people, phones, updatable, starts, ...outcome } = await policyChangeStore(service.db).counts(change.id)
  return {
    id: change.id, sentence: sentenceOf(change.edit), kind: change.edit.kind, state: change.state, createdAt: at(change.createdAt), createdBy: change.createdBy,
    checked: change.checked, total: change.state === 'counting' ? Math.max(change.total, change.checked) : change.checked, reach: { certificates, people, phones, updatable, starts }, action: change.action, dueAt: change.action === 'leave' ? null : atOrNull(change.dueAt),
    notify: change.notify, appliedAt: atOrNull(change.appliedAt), appliedBy: change.appliedBy, undoneAt: atOrNull(change.undoneAt), undoneBy: change.undoneBy, outcome,
  }
}

async function findChange(service: Service, changeId: string): Promise<PolicyChange> {
  const change = await policyChangeStore(service.db).find(changeId)
  if (change === undefined) throw notFound()
  return change
}
const notFound = (): CaError => new CaError('policy-change-not-found', 'there is no change of policy with this id; previews that nobody applies are kept for a day')

export const policyPreview = operation({
  id: 'policyPreview', method: 'post', path: '/policy/changes', role: 'admin', status: 201,
  summary: 'Preview a change of policy: which certificates of whom it would reach. Nothing is changed; counting goes on in the background.',
  input: z.strictObject({ edit: editInput }),
  output: changeView,
  async run(service, actor, { edit: input }) {
    const now = service.now()
    const [changeId, edit] = [randomUUID(), await editOf(service, actor, input, now)]
    await policyChangeStore(service.db).prune(new Date(now.getTime() - 86_400_000))
    await policyChangeStore(service.db).add({ id: changeId, edit, createdAt: now, createdBy: actor.name, source: actor.source })
    // What is small is there at once; the schedule goes on with the rest.
    await advancePolicyChanges(service, 1)
    return await viewOf(service, await findChange(service, changeId))
  },
})

export const policyChangeShow = operation({
  id: 'policyChangeShow', method: 'get', path: '/policy/changes/{id}', role: 'auditor',
  summary: 'One change of policy: how far it is, and what it reaches.',
  input: byId, output: changeView,
  run: async (service, _actor, input) => await viewOf(service, await findChange(service, input.id)),
})

export const policyChangeList = operation({
  id: 'policyChangeList', method: 'get', path: '/policy/changes', role: 'auditor',
  summary: 'Changes of policy that were previewed, applied or taken back, newest first.',
  input: z.strictObject(pageInput),
  output: pageOf(changeView),
  async run(service, _actor, { limit, cursor }) {
    const rows = await policyChangeStore(service.db).list(keyIn(cursor, parseTimeKey), limit + 1)
    const { items, next } = page(rows, limit, timeKey, row => row)
    return { items: await Promise.all(items.map(async row => await viewOf(service, row))), next }
  },
})

const effectView = z.strictObject({
  effect: z.enum(['stops', 'starts']),
  device: id, personId: id, personName: z.string(), personEmail: z.string(), productType: z.string(), modelName: z.string().nullable(), osVersion: z.string().nullable(), grade, test: z.boolean(),
  /** The certificate that stops; null for a phone that may come in. */
  certificate: z.string().nullable(),
  verdict, why: z.string(),
  /** Whether the phone can be updated to what a rule asks for; null where the rule is about something else. */
  canUpdate: z.boolean().nullable(),
  outcome: z.enum(['held', 'revoked', 'released', 'passed-over', 'left']).nullable(),
})
export type EffectView = z.input<typeof effectView>

const effectOf = (service: Service, e: EffectListing): EffectView => ({
  effect: e.effect, device: e.deviceId, personId: e.personId, personName: e.personName, personEmail: e.personEmail, productType: e.productType, modelName: service.catalogue().models.get(e.productType)?.name ?? null,
  osVersion: e.osVersion ?? (e.build !== null && /^(iPhone|iPad|iPod)/.test(e.productType) ? osVersionOf(service.catalogue(), e.build) ?? null : null), grade: e.grade, test: e.test, certificate: e.serialNumber.length === 0 ? null : e.serialNumber.toString('hex'), verdict: e.verdict, why: e.why,
  canUpdate: e.help === null ? null : e.help === 'update', outcome: e.outcome,
})

const csv: CsvForm = {
  fileName: 'latchkey-policy-change.csv',
  head: serializeCsvLine(['effect', 'person', 'e-mail', 'product type', 'model', 'version', 'evidence', 'test', 'device', 'certificate', 'verdict', 'why', 'can be updated', 'outcome']),
  line: (e: EffectView) => serializeCsvLine([
    e.effect, e.personName, e.personEmail, e.productType, e.modelName, e.osVersion, e.grade, e.test ? 'yes' : 'no', e.device, e.certificate, e.verdict, e.why,
    e.canUpdate === null ? null : e.canUpdate ? 'yes' : 'no', e.outcome,
  ]),
}

export const policyChangeEffects = operation({
  id: 'policyChangeEffects', method: 'get', path: '/policy/changes/{id}/effects', role: 'auditor', csv,
  summary: 'Whom a change of policy reaches: certificates that stop, or phones that may come in.',
  input: z.strictObject({ id, effect: z.enum(['stops', 'starts']).default('stops'), ...pageInput }),
  output: pageOf(effectView),
  async run(service, _actor, { id: changeId, effect, limit, cursor }) {
    await findChange(service, changeId)
    const after = keyIn(cursor, key => {
      const match = /^([0-9a-f-]{36}) ([0-9a-f]{0,32})$/.exec(key)
      return match === null ? undefined : { deviceId: match[1]!, serialNumber: Buffer.from(match[2]!, 'hex') }
    })
    const rows = await policyChangeStore(service.db).listEffects(changeId, effect, after, limit + 1)
    return page(rows, limit, row => `${row.deviceId} ${row.serialNumber.toString('hex')}`, row => effectOf(service, row))
  },
})

const inState = (change: PolicyChange, ...states: ChangeState[]): void => {
  if (!states.includes(change.state)) throw new CaError('conflict', `this change is ${change.state === 'counting' ? 'still being counted' : change.state}`)
}

export const policyApply = operation({
  id: 'policyApply', method: 'post', path: '/policy/changes/{id}/apply', role: 'admin',
  summary: 'Put a previewed change in force, and leave, hold or revoke the certificates that it stops.',
  input: z.strictObject({
    id,
    action: z.enum(['leave', 'hold', 'revoke']),
    /** When certificates are held or revoked; now where left out. Each is decided about again then. */
    from: instantInput.optional(),
    /** Write to the people concerned. */
    notify: z.boolean().default(false),
  }),
  output: changeView,
  async run(service, actor, { id: changeId, action, from, notify }) {
    if (notify && service.config.smtpUrl === undefined) throw new CaError('invalid-argument', 'nobody can be written to: no mail server is set')
    await makeChange(service, actor, async (tx, record, now) => {
      const store = policyChangeStore(tx)
      const change = await store.lock(changeId)
      if (change === undefined) throw notFound()
      inState(change, 'ready')
      if (from !== undefined && from < now) throw new CaError('invalid-argument', 'the day from which it counts is over')
      const added = await putInForce({ tx, record, actor, now, change })
      const dueAt = action === 'leave' ? now : from ?? now
      if (notify) await store.notifyPeople(changeId, ...notice(service, action, dueAt), now)
      await store.save(changeId, { ...change, state: 'applying', action, dueAt, notify, appliedAt: now, appliedBy: actor.name, added })
      await record('policy.apply', `policy-change:${changeId}`, { sentence: sentenceOf(change.edit), action, from: action === 'leave' ? null : dueAt, notify })
    })
    await advancePolicyChanges(service, 1)
    return await viewOf(service, await findChange(service, changeId))
  },
})

function notice(service: Service, action: 'leave' | 'hold' | 'revoke', dueAt: Date): [subject: string, before: string, after: string] {
  const { organization } = service.config
  const when = action === 'leave' ? 'Your phone’s certificate stays good until it ends, and cannot be renewed as things stand.' : `From ${dueAt.toISOString().slice(0, 10)} your phone is not let in any more as things stand.`
  return [`Your phone and ${organization}`, `${organization} has changed which phones are let in.\n\n${when}\n\n`, '\n\nIf you are not sure what to do, ask whoever invited you.\n']
}

export const policyUndo = operation({
  id: 'policyUndo', method: 'post', path: '/policy/changes/{id}/undo', role: 'admin',
  summary: 'Take a change back: policy stands as before, and what it held is released. What it revoked stays revoked.',
  input: byId, output: changeView,
  async run(service, actor, input) {
    await makeChange(service, actor, async (tx, record, now) => {
      const store = policyChangeStore(tx)
      const change = await store.lock(input.id)
      if (change === undefined) throw notFound()
      inState(change, 'applying', 'applied')
      await takeOutOfForce({ tx, record, actor, now, change })
      await store.save(input.id, { ...change, state: 'undoing', undoneAt: now, undoneBy: actor.name })
      await record('policy.undo', `policy-change:${input.id}`, { sentence: sentenceOf(change.edit) })
    })
    await advancePolicyChanges(service, 1)
    return await viewOf(service, await findChange(service, input.id))
  },
})
