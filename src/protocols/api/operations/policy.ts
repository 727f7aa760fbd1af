import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { CaError } from '../../../errors.ts'
import { parseBuild } from '../../../formats/build-number.ts'
import { parseOsVersion } from '../../../formats/os-version.ts'
import { parseProductType } from '../../../formats/product-type.ts'
import { advancePolicyChanges } from '../../../http/advance-policy-changes.ts'
import { change } from '../../../http/change.ts'
import { reviewWaiting } from '../../../http/waiting.ts'
import { decide } from '../../../policy/decide.ts'
import { knownDevice, withInventory } from '../../../policy/decision.ts'
import { conditionsSchema, ruleInputSchema, type Rule } from '../../../policy/rules.ts'
import { inventoryStore } from '../../../store/inventory.ts'
import { personStore } from '../../../store/people.ts'
import { policyStore } from '../../../store/policy.ts'
import { loadPolicy } from '../../../store/policy-snapshot.ts'
import { policyChangeStore } from '../../../store/policy-changes.ts'
import { at, byId, email, id, instant, nothing, text } from '../fields.ts'
import { operation } from '../operation.ts'
import { decisionView, grade, verdict, viewOfDecision } from './decision-view.ts'

const ruleView = z.strictObject({
  id, verdict, conditions: conditionsSchema, reason: z.string(), textForPerson: z.string().nullable(), author: z.string(), createdAt: instant,
})
const viewOf = (r: Rule): z.input<typeof ruleView> => ({
  id: r.id, verdict: r.verdict, conditions: r.conditions, reason: r.reason, textForPerson: r.textForPerson ?? null, author: r.author, createdAt: at(r.createdAt),
})

export const policyList = operation({
  id: 'policyList', method: 'get', path: '/rules', role: 'auditor',
  summary: 'Rules in force, oldest first. Their order does not matter: the most restrictive that matches wins.',
  input: nothing,
  output: z.strictObject({ items: z.array(ruleView) }),
  run: async service => ({ items: (await policyStore(service.db).rules()).map(viewOf) }),
})

export const policyAdd = operation({
  id: 'policyAdd', method: 'post', path: '/rules', role: 'admin', status: 201,
  summary: 'Add a rule, in force at once; certificates are left as they are. `person` is an e-mail address.',
  input: ruleInputSchema,
  output: ruleView,
  async run(service, actor, input) {
    const added = await change(service, actor, async (tx, record, now) => {
      const { person } = input.conditions
      const rule: Rule = {
        id: randomUUID(), ...input, author: actor.name, createdAt: now,
        conditions: person === undefined ? input.conditions : { ...input.conditions, person: person.toLowerCase() },
      }
      await policyStore(tx).addRule(rule)
      await record('rule.add', `rule:${rule.id}`, { verdict: rule.verdict, conditions: rule.conditions, reason: rule.reason })
      // Whom it reaches is counted afterwards: who is set aside by it waits for somebody's decision, and it can be taken back.
      await policyChangeStore(tx).addInForce({ id: randomUUID(), edit: { kind: 'add-rule', rule }, createdAt: now, createdBy: actor.name, source: actor.source, added: [rule.id] })
      return viewOf(rule)
    })
    await advancePolicyChanges(service, 2)
    return added
  },
})

export const policyRemove = operation({
  id: 'policyRemove', method: 'delete', path: '/rules/{id}', role: 'admin',
  summary: 'End a rule.',
  input: byId,
  output: ruleView,
  async run(service, actor, input) {
    const ended = await change(service, actor, async (tx, record, now) => {
      const rule = await policyStore(tx).endRule(input.id, now)
      if (rule === undefined) throw new CaError('rule-not-found', 'there is no rule in force with this id')
      await record('rule.remove', `rule:${rule.id}`, { verdict: rule.verdict, conditions: rule.conditions })
      return viewOf(rule)
    })
    await reviewWaiting(service)
    return ended
  },
})

export const policyExplain = operation({
  id: 'policyExplain', method: 'post', path: '/policy/explain', role: 'auditor',
  summary: 'Decide about a device that is only described, as policy stands now.',
  input: z.strictObject({
    /** May be left out where a number is given that the inventory has, which then says the model. */
    product: z.string().refine(said => parseProductType(said) !== undefined, 'not a product type like iPhone14,5').optional(),
    serialNumber: text(40).optional(), udid: text(64).optional(),
    build: z.string().refine(said => parseBuild(said) !== undefined, 'not a build number like 20A362').optional(),
    osVersion: z.string().refine(said => parseOsVersion(said) !== undefined, 'not a version like 17.4').optional(),
    /** The grade at which all of it is taken to be known. */
    evidence: grade.default('signed'),
    person: email.optional(),
  }),
  output: decisionView,
  async run(service, _actor, { product, serialNumber, udid, build, osVersion, evidence, person }) {
    const fact = (value: string | undefined) => value === undefined ? undefined : { value, grade: evidence }
    if (product === undefined && serialNumber === undefined && udid === undefined) throw new CaError('invalid-argument', 'product: is needed, or a serial number or UDID that the inventory has')
    const listed = await inventoryStore(service.db).of({ serialNumber: serialNumber ?? null, udid: udid ?? null })
    const known = knownDevice(service.catalogue(), withInventory({
      productType: fact(product), serialNumber: fact(serialNumber), udid: fact(udid), build: fact(build), osVersion: fact(osVersion),
      person: person === undefined ? undefined : { id: person.toLowerCase(), groups: (await personStore(service.db).byEmail(person))?.groups ?? [] },
    }, listed))
    const now = service.now()
    const policy = await loadPolicy(service.db, { deviceId: null, now, trustTestDevices: service.config.testDeviceCa !== undefined })
    return viewOfDecision(decide(known, policy, now))
  },
})
