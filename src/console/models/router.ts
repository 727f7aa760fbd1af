import Router from '@koa/router'
import type { Context } from 'koa'
import { modelsMatching } from '../../devices/catalogue.ts'
import { findPreset, type Preset } from '../../devices/presets.ts'
import { CaError } from '../../errors.ts'
import { readForm, seeOther, type Form } from '../../http/form.ts'
import type { Service } from '../../http/service.ts'
import { requireRole } from '../../http/session.ts'
import { modelApprove, notesOn, patternsNamed } from '../../protocols/api/operations/approvals.ts'
import { catalogueUpdate } from '../../protocols/api/operations/catalogue.ts'
import { modelList, modelShow, type ModelView } from '../../protocols/api/operations/models.ts'
import { policyPreview } from '../../protocols/api/operations/policy-changes.ts'
import { phonesOfModel } from '../../store/model-phones.ts'
import { productTypesSeen } from '../../store/models-seen.ts'
import type { Markup } from '../html.ts'
import { endOfDay } from '../instants.ts'
import { consolePage } from '../layout.ts'
import { address, mayPerform, perform, queryOf, refusalOf } from '../perform.ts'
import { doneAtOnce, previewed, previewedOrDone } from '../policy/preview.ts'
import { checkUpdate, confirmUpdate, takeUpdate, updateForm } from './update.ts'
import { approvePage, type ApproveValues } from './approve-page.ts'
import { chosenIn, narrowed } from './facets.ts'
import { modelListPage } from './list-page.ts'
import { modelPage } from './model-page.ts'

export function modelsRouter(service: Service): Router {
  const router = new Router({ prefix: '/console/models' })
  router.get('/', async ctx => await list(ctx, service))
  router.get('/approve', async ctx => await confirm(ctx, service, wantedIn(name => queryOf(ctx, name), queryOf(ctx, 'model') === '' ? [] : [queryOf(ctx, 'model')])))
  router.post('/approve', async ctx => await approve(ctx, service, await readForm(ctx)))
  router.post('/withdraw', requireRole(policyPreview.role), async ctx => await withdrawMany(ctx, service, await readForm(ctx)))
  router.use('/update', requireRole(catalogueUpdate.role))
  router.get('/update', ctx => { updateForm(ctx, '') })
  router.post('/update', async ctx => { await checkUpdate(ctx, service) })
  router.get('/update/:shown', async ctx => { await confirmUpdate(ctx, service) })
  router.post('/update/:shown/take', async ctx => { await takeUpdate(ctx, service) })
  router.get('/:identifier', async ctx => await show(ctx, service))
  router.post('/:identifier/withdraw', async ctx => await withdraw(ctx, service, await readForm(ctx)))
  return router
}

const doneTexts: Readonly<Record<string, string>> = { updated: 'The catalogue is up to date with what you brought.', approved: 'Approved. Phones that were refused open their invitation again.' }
const doneText = async (ctx: Context, service: Service): Promise<Markup | undefined> =>
  await doneAtOnce(ctx, service, Object.hasOwn(doneTexts, queryOf(ctx, 'done')) ? doneTexts[queryOf(ctx, 'done')] : undefined)

async function everyModel(ctx: Context, service: Service): Promise<ModelView[]> {
  const models: ModelView[] = []
  for (let cursor: string | undefined; ;) {
    const { items, next } = await perform(ctx, service, modelList, { limit: 500, ...cursor !== undefined && { cursor } })
    models.push(...items)
    if (next === null) return models
    cursor = next
  }
}

async function list(ctx: Context, service: Service, mistake?: string): Promise<void> {
  const models = await everyModel(ctx, service)
  const chosen = chosenIn(name => queryOf(ctx, name))
  const { models: known, version } = service.catalogue()
  consolePage(ctx, {
    title: 'Models', current: 'models', scripts: ['filter.js'], ...mistake !== undefined && { status: 400 },
    body: modelListPage(ctx, {
      models: narrowed(models, chosen), total: models.length, chosen, version, mayApprove: mayPerform(ctx, modelApprove), doneText: await doneText(ctx, service), mistake,
      unknown: (await productTypesSeen(service.db)).filter(type => !known.has(type)),
    }),
  })
}

function presetIn(name: string): Preset | undefined {
  if (name === '') return undefined
  const preset = findPreset(name)
  if (preset === undefined) throw new CaError('not-found', 'there is no preset of this name')
  return preset
}

/** One, those that were ticked, those of a preset, or what a wildcard names, also among models to come. */
type Wanted = { preset: Preset | undefined, pattern: string | undefined, models: readonly string[] }

const wantedIn = (one: (name: string) => string, models: readonly string[]): Wanted => ({ preset: presetIn(one('preset')), pattern: one('pattern') || undefined, models })
const namesOf = ({ preset, pattern, models }: Wanted): { preset: Preset['name'] } | { pattern: string } | { models: string[] } =>
  preset !== undefined ? { preset: preset.name } : pattern !== undefined ? { pattern } : { models: [...models] }

/** What would be approved, before it is. */
async function confirm(ctx: Context, service: Service, wanted: Wanted, values: ApproveValues = {}, mistake?: string): Promise<void> {
  if (!mayPerform(ctx, modelApprove)) throw new CaError('forbidden', `this needs the role ${modelApprove.role}`)
  const catalogue = service.catalogue()
  const { preset, pattern } = wanted
  const patterns = preset === undefined && pattern === undefined && wanted.models.length === 0 ? [] : patternsNamed(catalogue, namesOf(wanted))
  if (patterns.length === 0) throw new CaError('invalid-argument', 'no model was ticked')
  const models = patterns.flatMap(each => modelsMatching(catalogue, each))
  consolePage(ctx, {
    title: 'Approve models', current: 'models', ...mistake !== undefined && { status: 400 },
    body: approvePage(ctx, { models, preset: preset?.name, pattern, presetWords: preset?.words, notes: notesOn(catalogue, patterns), values, mistake }),
  })
}

/** Whom it lets in is counted first; where that is nobody, it counts at once. */
async function approve(ctx: Context, service: Service, form: Form): Promise<void> {
  const wanted = wantedIn(form.get, form.all('model'))
  const values = { least: form.get('least'), reason: form.get('reason'), until: form.get('until') }
  if (form.get('sure') !== 'yes') return await confirm(ctx, service, wanted)
  let page: string
  try {
    const until = endOfDay(values.until)
    const edit = { kind: 'approve' as const, ...namesOf(wanted), reason: values.reason, leastEvidence: values.least as 'signed', ...until !== undefined && { until: until.toISOString() } }
    const [only] = wanted.models
    page = await previewedOrDone(ctx, service, edit, change => wanted.models.length === 1 && only !== undefined
      ? address(`/console/models/${encodeURIComponent(only)}`, { done: 'approved', change }) : address('/console/models', { approved: 'yes', done: 'approved', change }))
  } catch (error) {
    return await confirm(ctx, service, wanted, values, refusalOf(error, 'conflict'))
  }
  seeOther(ctx, page)
}

async function show(ctx: Context, service: Service, mistake?: string): Promise<void> {
  const identifier: string = ctx['params']['identifier']
  const model = await perform(ctx, service, modelShow, { identifier })
  consolePage(ctx, {
    title: model.name, current: 'models', ...mistake !== undefined && { status: 400 },
    body: modelPage(ctx, {
      model, mistake, phones: await phonesOfModel(service.db, identifier, service.now()), mayApprove: mayPerform(ctx, modelApprove), doneText: await doneText(ctx, service), now: service.now(),
    }),
  })
}

/** What it reaches is counted first. */
async function withdraw(ctx: Context, service: Service, form: Form): Promise<void> {
  try {
    seeOther(ctx, await previewed(ctx, service, { kind: 'withdraw', approvals: [form.get('approval')] }))
  } catch (error) {
    await show(ctx, service, refusalOf(error, 'approval-not-found'))
  }
}

/** The approvals of what was ticked, or of a preset; what a wildcard approves as well stays approved. */
async function withdrawMany(ctx: Context, service: Service, form: Form): Promise<void> {
  const wanted = wantedIn(form.get, form.all('model'))
  try {
    if (wanted.preset === undefined && wanted.models.length === 0) throw new CaError('invalid-argument', 'no model was ticked')
    seeOther(ctx, await previewed(ctx, service, { kind: 'withdraw', ...namesOf({ ...wanted, pattern: undefined }) }))
  } catch (error) {
    await list(ctx, service, refusalOf(error, 'approval-not-found'))
  }
}
