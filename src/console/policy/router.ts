import Router from '@koa/router'
import type { Context } from 'koa'
import { CaError } from '../../errors.ts'
import { readForm, type Form } from '../../http/form.ts'
import type { Service } from '../../http/service.ts'
import { ruleSentence } from '../../policy/sentences.ts'
import { approvalList } from '../../protocols/api/operations/approvals.ts'
import { deviceExplain, deviceShow } from '../../protocols/api/operations/devices.ts'
import { exemptionEnd, exemptionList } from '../../protocols/api/operations/exemptions.ts'
import { policyAdd, policyExplain, policyList, policyRemove } from '../../protocols/api/operations/policy.ts'
import { deviceStore } from '../../store/devices.ts'
import { html } from '../html.ts'
import { consolePage } from '../layout.ts'
import { mayPerform, perform, queryOf, refusalOf } from '../perform.ts'
import { named } from '../status-words.ts'
import { confirmPage } from './confirm-pages.ts'
import { explainPage, type ExplainPage } from './explain-page.ts'
import { policyPage } from './policy-page.ts'
import { ruleFields, ruleForm, ruleOf, valuesIn, type RuleValues } from './rule-form.ts'

export function policyRouter(service: Service): Router {
  const router = new Router({ prefix: '/console/policy' })
  router.get('/', async ctx => await show(ctx, service))
  router.get('/explain', async ctx => await explain(ctx, service))
  router.get('/new', ctx => form(ctx, {}))
  router.post('/new', async ctx => await add(ctx, service, await readForm(ctx)))
  router.get('/rules/:id/remove', async ctx => await confirmRemoval(ctx, service))
  router.post('/rules/:id/remove', async ctx => {
    await readForm(ctx)
    await perform(ctx, service, policyRemove, { id: idIn(ctx) })
    doneAt(ctx, 'removed')
  })
  router.get('/exemptions/:id/end', async ctx => await confirmEnd(ctx, service))
  router.post('/exemptions/:id/end', async ctx => {
    await readForm(ctx)
    await perform(ctx, service, exemptionEnd, { id: idIn(ctx) })
    doneAt(ctx, 'ended')
  })
  return router
}

const doneTexts: Readonly<Record<string, string>> = {
  added: 'The rule is in force.', removed: 'The rule is gone. What it kept out may come again.', ended: 'The exemption has ended. The rules count for this phone again.',
}

function doneAt(ctx: Context, what: string): void {
  ctx.redirect(`/console/policy?done=${what}`)
  ctx.status = 303
}

const idIn = (ctx: Context): string => ctx['params']['id']

/** So many exemptions stand on one page; the others on their phones'. */
const mostExemptions = 200

async function show(ctx: Context, service: Service): Promise<void> {
  const { items: rules } = await perform(ctx, service, policyList, {})
  const { items: exemptions } = await perform(ctx, service, exemptionList, {})
  const { items: approvals } = await perform(ctx, service, approvalList, {})
  const shown = exemptions.slice(-mostExemptions).reverse()
  const devices = new Map((await deviceStore(service.db).byIds(shown.map(exemption => exemption.deviceId))).map(device => [device.id, device]))
  const models = service.catalogue().models
  const done = queryOf(ctx, 'done')
  consolePage(ctx, {
    title: 'Policy', current: 'policy',
    body: policyPage({
      rules, approvals: approvals.length, mayChange: mayPerform(ctx, policyAdd), moreExemptions: exemptions.length - shown.length, now: service.now(),
      doneText: Object.hasOwn(doneTexts, done) ? doneTexts[done] : undefined,
      exemptions: shown.map(exemption => {
        const device = devices.get(exemption.deviceId)
        return { ...exemption, personName: device?.personName ?? '', model: models.get(device?.productType ?? '')?.name ?? device?.productType ?? 'phone' }
      }),
    }),
  })
}

function mayChange(ctx: Context): void {
  if (!mayPerform(ctx, policyAdd)) throw new CaError('forbidden', `this needs the role ${policyAdd.role}`)
}

function form(ctx: Context, values: RuleValues, mistake?: string): void {
  mayChange(ctx)
  consolePage(ctx, { title: 'New rule', current: 'policy', body: ruleForm(ctx, { values, mistake }), ...mistake !== undefined && { status: 400 } })
}

async function add(ctx: Context, service: Service, sent: Form): Promise<void> {
  const values = valuesIn(sent)
  if (sent.has('edit')) return form(ctx, values)
  mayChange(ctx)
  const checked = policyAdd.input.safeParse(ruleOf(values))
  if (!checked.success) return form(ctx, values, checked.error.issues.slice(0, 5).map(({ path, message }) => path.length === 0 ? message : `${path.join('.')}: ${message}`).join('; '))
  if (sent.get('sure') === 'yes') {
    await perform(ctx, service, policyAdd, ruleOf(values))
    return doneAt(ctx, 'added')
  }
  const rule = checked.data
  consolePage(ctx, {
    title: 'New rule', current: 'policy',
    body: confirmPage(ctx, {
      heading: ruleSentence(rule), action: '/console/policy/new', button: 'Put it in force', stop: false, back: { path: '/console/policy', text: 'Leave it' }, other: { name: 'edit', text: 'Change it' },
      hidden: { ...Object.fromEntries(ruleFields.flatMap(name => values[name] === undefined ? [] : [[name, values[name]]])), sure: 'yes' },
      consequences: rule.verdict === 'allow' ? ['Phones that match may get a certificate from now on, unless another rule is more restrictive.', 'Nothing changes for certificates that are there.'] : [
        rule.verdict === 'block' ? 'Phones that match get no new certificate from now on, and cannot renew.' : 'Phones that match wait for somebody to decide before they get a certificate, also to renew.',
        'Certificates that are there stay good until they end, or until somebody revokes them.',
        rule.textForPerson === undefined ? 'Their owners read Latchkey’s own words.' : html`Their owners read: “${named(rule.textForPerson)}”`,
      ],
    }),
  })
}

async function confirmRemoval(ctx: Context, service: Service): Promise<void> {
  mayChange(ctx)
  const rule = (await perform(ctx, service, policyList, {})).items.find(({ id }) => id === idIn(ctx))
  if (rule === undefined) throw new CaError('rule-not-found', 'there is no rule in force with this id')
  consolePage(ctx, {
    title: 'Remove a rule', current: 'policy',
    body: confirmPage(ctx, {
      heading: `Remove “${ruleSentence(rule)}”`, action: `/console/policy/rules/${rule.id}/remove`, button: 'Remove it', stop: true, hidden: {}, back: { path: '/console/policy', text: 'Keep it' },
      consequences: [
        rule.verdict === 'allow' ? 'Phones that came in by it alone get no new certificate, and cannot renew. Certificates that are there stay good.'
          : 'Phones that it kept out are decided about without it when they come again.',
        html`It was made by ${named(rule.author)}: ${named(rule.reason)}`, 'The record of changes keeps it.',
      ],
    }),
  })
}

async function confirmEnd(ctx: Context, service: Service): Promise<void> {
  mayChange(ctx)
  const exemption = (await perform(ctx, service, exemptionList, {})).items.find(({ id }) => id === idIn(ctx))
  if (exemption === undefined) throw new CaError('exemption-not-found', 'there is no exemption in force with this id')
  const device = await perform(ctx, service, deviceShow, { id: exemption.deviceId })
  consolePage(ctx, {
    title: 'End an exemption', current: 'policy',
    body: confirmPage(ctx, {
      heading: `End the exemption of ${device.personName}’s ${device.modelName ?? 'phone'}`, action: `/console/policy/exemptions/${exemption.id}/end`, button: 'End it', stop: true, hidden: {}, back: { path: '/console/policy', text: 'Keep it' },
      consequences: [
        exemption.verdict === 'allow' ? 'The rules count for it again: if they do not let it in, it cannot renew. Its certificate stays good until it ends.' : 'The rules count for it again, and may let it in.',
        html`It was made by ${named(exemption.author)}: ${named(exemption.reason)}`,
      ],
    }),
  })
}

async function explain(ctx: Context, service: Service): Promise<void> {
  const values = { product: queryOf(ctx, 'product'), build: queryOf(ctx, 'build'), version: queryOf(ctx, 'version'), evidence: queryOf(ctx, 'evidence') || 'signed', person: queryOf(ctx, 'person') }
  const page = await explained(ctx, service, values)
  consolePage(ctx, { title: 'Explain', current: 'policy', body: explainPage({ values, ...page }), ...page.mistake !== undefined && { status: 400 } })
}

async function explained(ctx: Context, service: Service, { product, build, version, evidence, person }: ExplainPage['values']): Promise<Omit<ExplainPage, 'values'>> {
  const nothing = { decision: undefined, mistake: undefined, phone: undefined }
  const id = queryOf(ctx, 'phone')
  if (id !== '') return { ...nothing, phone: await perform(ctx, service, deviceShow, { id }), decision: await perform(ctx, service, deviceExplain, { id }) }
  if (product === '') return nothing
  try {
    return { ...nothing, decision: await perform(ctx, service, policyExplain, {
      product, evidence: evidence as 'signed', ...build !== '' && { build }, ...version !== '' && { osVersion: version }, ...person !== '' && { person },
    }) }
  } catch (error) {
    return { ...nothing, mistake: refusalOf(error) }
  }
}
