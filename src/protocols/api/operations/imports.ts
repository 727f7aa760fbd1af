import { z } from 'zod'
import { isFormula, serializeCsvLine } from '../../../formats/csv.ts'
import { accessLevels } from '../../../formats/exchange/inventory.ts'
import { invitees, type Invitee } from '../../../policy/import/exchange-people.ts'
import { conditionsSchema, verdicts } from '../../../policy/rules.ts'
import { loadPolicy } from '../../../store/policy-snapshot.ts'
import { email, personName } from '../fields.ts'
import { runImport } from '../import-job.ts'
import { operation } from '../operation.ts'
import { maxBatch } from './invitation-batch.ts'

const verdict = z.enum(verdicts)
const count = z.int()
const proposal = z.strictObject({
  /** What `POST /approvals` takes. */
  approvals: z.array(z.strictObject({ models: z.array(z.string()), leastEvidence: z.literal('signed'), reason: z.string() })),
  /** What `POST /rules` takes. */
  rules: z.array(z.strictObject({ verdict, conditions: conditionsSchema, reason: z.string(), textForPerson: z.string().optional() })),
})
export type ProposalView = z.input<typeof proposal>

/** So many of a long list are told; the command tells all. */
const most = 500
const some = <Item extends z.ZodType>(item: Item) => z.strictObject({ count, first: z.array(item) })
const someOf = <T>(items: readonly T[]): { count: number, first: T[] } => ({ count: items.length, first: items.slice(0, most) })

const written = z.string().max(4 * 1024 * 1024)

export const importRewriteRules = operation({
  id: 'importRewriteRules', method: 'post', path: '/import/rewrite-rules', role: 'auditor',
  summary: 'What a mod_rewrite User-Agent ruleset really does, and the policy in its place. Nothing is changed.',
  input: z.strictObject({
    ruleset: written,
    /** Whom it was meant to let in: a preset, a product type or a wildcard. */
    aim: z.string().max(64).optional(), osFrom: z.string().max(40).optional(),
    perDirectory: z.boolean().default(false),
    /** What `%{NAME}` is, for names that an ActiveSync request does not settle. */
    variables: z.record(z.string().max(100), z.string().max(1000)).default({}),
    userAgents: z.array(z.string().max(512)).max(1000).default([]),
  }),
  output: z.strictObject({
    aim: z.string().nullable(),
    totals: z.strictObject({ texts: count, passed: count, blocked: count, wronglyIn: count, wronglyOut: count, notToldApart: count }),
    rules: z.array(z.strictObject({ rule: z.string(), line: count, sentence: z.string(), passed: count, blocked: count })),
    models: z.array(z.strictObject({ productType: z.string(), name: z.string(), texts: count, passed: count, blocked: count, wronglyIn: count, wronglyOut: count, example: z.string().nullable() })),
    findings: z.array(z.strictObject({ code: z.string(), lines: z.array(count), text: z.string() })),
    /** Null when it would take too many rules. */
    proposal: proposal.nullable(),
    differences: some(z.strictObject({ productType: z.string(), build: z.string(), now: z.enum(['in', 'out']), proposed: verdict })),
    userAgents: z.array(z.strictObject({
      userAgent: z.string(), rule: z.string().nullable(), verdict: z.enum(['passed', 'blocked']), matchedPattern: z.string().nullable(), line: count.nullable(),
      httpStatus: z.union([count, z.enum(['unmodified', 'rewritten'])]), location: z.string().nullable(),
    })),
  }),
  async run(service, _actor, { aim, osFrom, userAgents, ...input }) {
    const { report, simulated } = await runImport({ kind: 'ruleset', catalogue: service.catalogue(), now: service.now(), input: { ...input, aim: { models: aim, osFrom } }, userAgents })
    const { rules, models, findings, proposal: proposed, differences } = report
    return {
      aim: report.aim, totals: report.totals, rules: [...rules], models: [...models], findings: findings.map(each => ({ ...each, lines: [...each.lines] })),
      proposal: proposed === null ? null : viewOf(proposed), differences: someOf(differences), userAgents: [...simulated],
    }
  },
})

const viewOf = ({ approvals, rules }: { approvals: readonly ProposalView['approvals'][number][], rules: readonly ProposalView['rules'][number][] }): ProposalView => ({ approvals: [...approvals], rules: [...rules] })

const lostRule = z.strictObject({ rule: z.string(), accessLevel: z.enum(accessLevels), code: z.string(), kind: z.enum(['illusion', 'not-carried-over']), text: z.string() })

export const importExchangeRules = operation({
  id: 'importExchangeRules', method: 'post', path: '/import/exchange-rules', role: 'auditor', maxBodyBytes: 16 * 1024 * 1024,
  summary: 'Device access rules, settings and phones of Exchange, read and judged, with the policy in their place. Nothing is changed.',
  input: z.strictObject({
    /** What Export-Csv, ConvertTo-Json or Microsoft365DSC wrote, in any order. */
    files: z.array(written).min(1).max(20),
  }),
  output: z.strictObject({
    read: z.strictObject({ rules: count, policies: count, devices: count, settings: z.boolean() }),
    defaultAccessLevel: z.enum(accessLevels),
    carried: z.array(z.strictObject({ rule: z.string(), accessLevel: z.enum(accessLevels), conditions: conditionsSchema })),
    notCarried: z.array(lostRule), doubtful: z.array(lostRule),
    findings: z.array(z.strictObject({ code: z.string(), kind: z.enum(['illusion', 'not-carried-over', 'note']), text: z.string() })),
    proposal,
    differences: some(z.strictObject({ productType: z.string(), build: z.string(), exchange: verdict, proposed: verdict })),
    devices: some(z.strictObject({
      deviceId: z.string(), user: z.string().nullable(), productType: z.string().nullable(), build: z.string().nullable(), accessState: z.string().nullable(),
      proposed: verdict.nullable(), contradictions: z.array(z.string()),
    })),
  }),
  async run(service, _actor, { files }) {
    const { report } = await runImport({ kind: 'exchange', catalogue: service.catalogue(), now: service.now(), files })
    const { read, defaultAccessLevel, carried, notCarried, doubtful, findings, differences, devices } = report
    return {
      read, defaultAccessLevel, carried: [...carried], notCarried: [...notCarried], doubtful: [...doubtful], findings: [...findings],
      proposal: viewOf(report.proposal), differences: someOf(differences), devices: someOf(devices.map(device => ({ ...device, contradictions: [...device.contradictions] }))),
    }
  },
})

const prospect = z.strictObject({ verdict, why: z.string() }).nullable()

export const importExchangeDevices = operation({
  id: 'importExchangeDevices', method: 'post', path: '/import/exchange-devices', role: 'auditor', maxBodyBytes: 16 * 1024 * 1024,
  summary: 'From the phones that Exchange knows to the people whom one could invite. What phones claim is no evidence: nothing is put in force.',
  input: z.strictObject({ files: z.array(written).min(1).max(20) }),
  output: z.strictObject({
    phones: count,
    /** No iPhone, iPad or iPod: they cannot enroll. */
    others: count,
    /** Apple phones that policy, as it stands, would refuse even if what they claim were proven; and those that claim no model. */
    neverPass: count, unknown: count,
    /** Phones of which Exchange tells no person. */
    nobodys: count,
    people: some(z.strictObject({
      name: z.string(),
      /** Null where the export has no column with addresses: such people cannot be invited from it. */
      email: z.string().nullable(),
      phones: count, others: count, couldPass: count,
      models: z.array(z.strictObject({ model: z.string(), build: z.string().nullable(), prospect })),
    })),
    /** People with an address of whom a phone could get in, as `inviteBatch` takes them, in parts of as many lines as it takes. */
    csv: z.array(z.string()),
  }),
  async run(service, _actor, { files }) {
    const { claimed } = await runImport({ kind: 'claims', catalogue: service.catalogue(), files })
    const now = service.now()
    const policy = await loadPolicy(service.db, { deviceId: null, now, trustTestDevices: service.config.testDeviceCa !== undefined })
    const people = invitees(claimed, service.catalogue(), policy, now)
    const models = people.flatMap(person => person.models)
    return {
      phones: claimed.length, others: claimed.filter(({ isApple }) => !isApple).length, nobodys: claimed.filter(({ name, email }) => name === null && email === null).length,
      neverPass: models.filter(({ prospect: said }) => said?.verdict === 'block').length, unknown: models.filter(({ prospect: said }) => said === null).length,
      people: someOf(people.map(person => ({ ...person, models: person.models.slice(0, 20).map(each => ({ ...each })) }))), csv: batchesOf(people),
    }
  },
})

/** A name that a certificate could not carry, or a spreadsheet would run, is left out: its person is invited by hand. */
function batchesOf(people: readonly Invitee[]): string[] {
  const lines = people.flatMap(({ name, email: address, couldPass }) =>
    address === null || couldPass === 0 || !personName.safeParse(name).success || !email.safeParse(address).success || [name, address].some(isFormula) ? []
      : [serializeCsvLine([name, address, Math.min(couldPass, 10)])])
  return Array.from({ length: Math.ceil(lines.length / maxBatch) }, (_, part) => `name,email,devices\r\n${lines.slice(part * maxBatch, (part + 1) * maxBatch).join('')}`)
}
