import Router from '@koa/router'
import type { Context } from 'koa'
import { CaError } from '../../errors.ts'
import { readForm, seeOther, type Form } from '../../http/form.ts'
import type { Service } from '../../http/service.ts'
import { activesyncExplain, activesyncFindings } from '../../protocols/api/operations/activesync.ts'
import { approvalList } from '../../protocols/api/operations/approvals.ts'
import { deviceExplain, deviceShow } from '../../protocols/api/operations/devices.ts'
import { exemptionList } from '../../protocols/api/operations/exemptions.ts'
import { policyAdd, policyExplain, policyList } from '../../protocols/api/operations/policy.ts'
import { ruleInputSchema } from '../../policy/rules.ts'
import { deviceStore } from '../../store/devices.ts'
import { consolePage } from '../layout.ts'
import { address, mayPerform, perform, queryOf, refusalOf } from '../perform.ts'
import { activesyncPage, type ActiveSyncPage } from './activesync-page.ts'
import { explainPage, type ExplainPage } from './explain-page.ts'
import { policyPage } from './policy-page.ts'
import { policyChangesRouter } from './changes-router.ts'
import { exemptionsRouter } from './exemptions-router.ts'
import { doneAtOnce, previewed } from './preview.ts'
import { ruleForm, ruleMistakes, ruleOf, valuesIn, type RuleMistakes, type RuleValues } from './rule-form.ts'

export function policyRouter(service: Service): Router {
  const router = new Router({ prefix: '/console/policy' })
  router.get('/', async ctx => await show(ctx, service))
  router.get('/explain', async ctx => await explain(ctx, service))
  router.get('/activesync', async ctx => await explainStrings(ctx, service))
  router.get('/new', ctx => form(ctx, {}))
  router.post('/new', async ctx => await preview(ctx, service, await readForm(ctx)))
  router.post('/rules/:id/remove', async ctx => await previewRemoval(ctx, service))
  const both = new Router()
  for (const part of [router, policyChangesRouter(service), exemptionsRouter(service)]) both.use(part.routes())
  return both
}

const doneTexts: Readonly<Record<string, string>> = {
  ended: 'The exemption has ended. The rules count for this phone again.', exempted: 'The exemption is in force.',
}

const idIn = (ctx: Context): string => ctx['params']['id']

const exemptionsOnAPage = 50

async function show(ctx: Context, service: Service): Promise<void> {
  const { items: rules } = await perform(ctx, service, policyList, {})
  const cursor = queryOf(ctx, 'cursor')
  const { items: shown, next } = await perform(ctx, service, exemptionList, { limit: exemptionsOnAPage, ...cursor !== '' && { cursor } })
  const { items: approvals } = await perform(ctx, service, approvalList, {})
  const devices = new Map((await deviceStore(service.db).byIds(shown.map(exemption => exemption.deviceId))).map(device => [device.id, device]))
  const models = service.catalogue().models
  const done = queryOf(ctx, 'done')
  consolePage(ctx, {
    title: 'Policy', current: 'policy',
    body: policyPage(ctx, {
      rules, approvals: approvals.length, mayChange: mayPerform(ctx, policyAdd), next: next === null ? null : address('/console/policy', { cursor: next }), now: service.now(),
      doneText: await doneAtOnce(ctx, service, Object.hasOwn(doneTexts, done) ? doneTexts[done] : undefined),
      exemptions: shown.map(exemption => {
        const device = devices.get(exemption.deviceId)
        return { ...exemption, personId: device?.personId ?? null, personName: device?.personName ?? '', model: models.get(device?.productType ?? '')?.name ?? device?.productType ?? 'phone' }
      }),
    }),
  })
}

function mayChange(ctx: Context): void {
  if (!mayPerform(ctx, policyAdd)) throw new CaError('forbidden', `this needs the role ${policyAdd.role}`)
}

function form(ctx: Context, values: RuleValues, mistakes?: RuleMistakes): void {
  mayChange(ctx)
  consolePage(ctx, { title: 'New rule', current: 'policy', body: ruleForm(ctx, { values, mistakes }), ...mistakes !== undefined && { status: 400 } })
}

/** What it reaches is counted first; only then is it put in force. */
async function preview(ctx: Context, service: Service, sent: Form): Promise<void> {
  const values = valuesIn(sent)
  const read = ruleInputSchema.safeParse(ruleOf(values))
  if (!read.success) return form(ctx, values, ruleMistakes(read.error))
  try {
    seeOther(ctx, await previewed(ctx, service, { kind: 'add-rule', rule: ruleOf(values) }))
  } catch (error) {
    form(ctx, values, { form: refusalOf(error), fields: {} })
  }
}

async function previewRemoval(ctx: Context, service: Service): Promise<void> {
  await readForm(ctx)
  seeOther(ctx, await previewed(ctx, service, { kind: 'remove-rule', rule: idIn(ctx) }))
}

async function explain(ctx: Context, service: Service): Promise<void> {
  const values = { product: queryOf(ctx, 'product'), serial: queryOf(ctx, 'serial'), build: queryOf(ctx, 'build'), version: queryOf(ctx, 'version'), evidence: queryOf(ctx, 'evidence') || 'signed', person: queryOf(ctx, 'person') }
  const page = await explained(ctx, service, values)
  consolePage(ctx, { title: 'Explain', current: 'policy', body: explainPage({ values, ...page }), ...page.mistake !== undefined && { status: 400 } })
}

async function explained(ctx: Context, service: Service, { product, serial, build, version, evidence, person }: ExplainPage['values']): Promise<Omit<ExplainPage, 'values'>> {
  const nothing = { decision: undefined, mistake: undefined, phone: undefined }
  const id = queryOf(ctx, 'phone')
  if (id !== '') return { ...nothing, phone: await perform(ctx, service, deviceShow, { id }), decision: await perform(ctx, service, deviceExplain, { id }) }
  if (product === '' && serial === '') return nothing
  try {
    return { ...nothing, decision: await perform(ctx, service, policyExplain, {
      evidence: evidence as 'signed', ...product !== '' && { product }, ...serial !== '' && { serialNumber: serial }, ...build !== '' && { build }, ...version !== '' && { osVersion: version }, ...person !== '' && { person },
    }) }
  } catch (error) {
    return { ...nothing, mistake: refusalOf(error) }
  }
}

async function explainStrings(ctx: Context, service: Service): Promise<void> {
  // As it was sent: a space at an end is one of the things that are wrong with it.
  const raw = (name: string): string => typeof ctx.query[name] === 'string' ? ctx.query[name] : ''
  const values = { userAgent: raw('userAgent'), query: raw('query') }
  const { items: findings } = await perform(ctx, service, activesyncFindings, {})
  let page: Omit<ActiveSyncPage, 'values'> = { answers: { claims: [], queries: [] }, mistake: undefined, findings, now: service.now() }
  try {
    const filled = (text: string): string[] => text === '' ? [] : [text]
    page = { ...page, answers: await perform(ctx, service, activesyncExplain, { userAgents: filled(values.userAgent), queries: filled(values.query) }) }
  } catch (error) {
    page = { ...page, mistake: refusalOf(error) }
  }
  consolePage(ctx, { title: 'Explain an ActiveSync string', current: 'policy', body: activesyncPage({ values, ...page }), ...page.mistake !== undefined && { status: 400 } })
}
