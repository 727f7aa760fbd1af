import Router from '@koa/router'
import type { Context } from 'koa'
import type { DeviceModel } from '../../devices/catalogue.ts'
import { findPreset, modelsOfPreset, type Preset } from '../../devices/presets.ts'
import { CaError } from '../../errors.ts'
import { readForm, type Form } from '../../http/form.ts'
import type { Service } from '../../http/service.ts'
import { modelApprove, notesOn } from '../../protocols/api/operations/approvals.ts'
import { modelList, modelNamed, modelShow, type ModelView } from '../../protocols/api/operations/models.ts'
import { policyPreview } from '../../protocols/api/operations/policy-changes.ts'
import { phonesOfModel } from '../../store/model-phones.ts'
import { productTypesSeen } from '../../store/models-seen.ts'
import { endOfDay } from '../instants.ts'
import { consolePage } from '../layout.ts'
import { mayPerform, perform, queryOf, refusalOf } from '../perform.ts'
import { approvePage, type ApproveValues } from './approve-page.ts'
import { chosenIn, narrowed } from './facets.ts'
import { modelListPage } from './list-page.ts'
import { modelPage } from './model-page.ts'

export function modelsRouter(service: Service): Router {
  const router = new Router({ prefix: '/console/models' })
  router.get('/', async ctx => await list(ctx, service))
  router.get('/approve', async ctx => await confirm(ctx, service, presetIn(queryOf(ctx, 'preset')), queryOf(ctx, 'model') === '' ? [] : [queryOf(ctx, 'model')]))
  router.post('/approve', async ctx => await approve(ctx, service, await readForm(ctx)))
  router.get('/:identifier', async ctx => await show(ctx, service))
  router.post('/:identifier/withdraw', async ctx => await withdraw(ctx, service, await readForm(ctx)))
  return router
}

const doneTexts: Readonly<Record<string, string>> = { approved: 'Approved. Phones that were refused open their invitation again.' }
const doneText = (ctx: Context): string | undefined => Object.hasOwn(doneTexts, queryOf(ctx, 'done')) ? doneTexts[queryOf(ctx, 'done')] : undefined

async function everyModel(ctx: Context, service: Service): Promise<ModelView[]> {
  const models: ModelView[] = []
  for (let cursor: string | undefined; ;) {
    const { items, next } = await perform(ctx, service, modelList, { limit: 500, ...cursor !== undefined && { cursor } })
    models.push(...items)
    if (next === null) return models
    cursor = next
  }
}

async function list(ctx: Context, service: Service): Promise<void> {
  const models = await everyModel(ctx, service)
  const chosen = chosenIn(name => queryOf(ctx, name))
  const { models: known, version } = service.catalogue()
  consolePage(ctx, {
    title: 'Models', current: 'models', scripts: ['filter.js'],
    body: modelListPage(ctx, {
      models: narrowed(models, chosen), total: models.length, chosen, version, mayApprove: mayPerform(ctx, modelApprove), doneText: doneText(ctx),
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

/** What would be approved, before it is. */
async function confirm(ctx: Context, service: Service, preset: Preset | undefined, identifiers: readonly string[], values: ApproveValues = {}, mistake?: string): Promise<void> {
  if (!mayPerform(ctx, modelApprove)) throw new CaError('forbidden', `this needs the role ${modelApprove.role}`)
  const catalogue = service.catalogue()
  const models: DeviceModel[] = preset !== undefined ? modelsOfPreset(catalogue, preset.name) : [...new Set(identifiers)].map(identifier => modelNamed(catalogue, identifier))
  if (models.length === 0) throw new CaError('invalid-argument', 'no model was ticked')
  consolePage(ctx, {
    title: 'Approve models', current: 'models', ...mistake !== undefined && { status: 400 },
    body: approvePage(ctx, { models, preset: preset?.name, presetWords: preset?.words, notes: notesOn(catalogue, models.map(model => model.identifier)), values, mistake }),
  })
}

async function approve(ctx: Context, service: Service, form: Form): Promise<void> {
  const [preset, models] = [presetIn(form.get('preset')), form.all('model')]
  const values = { least: form.get('least'), reason: form.get('reason'), until: form.get('until') }
  if (form.get('sure') !== 'yes') return await confirm(ctx, service, preset, models)
  try {
    const until = endOfDay(values.until)
    await perform(ctx, service, modelApprove, {
      ...preset !== undefined ? { preset: preset.name } : { models }, reason: values.reason, leastEvidence: values.least as 'signed',
      ...until !== undefined && { until: until.toISOString() },
    })
  } catch (error) {
    return await confirm(ctx, service, preset, models, values, refusalOf(error))
  }
  ctx.redirect(preset === undefined && models.length === 1 ? `/console/models/${encodeURIComponent(models[0]!)}?done=approved` : '/console/models?approved=yes&done=approved')
  ctx.status = 303
}

async function show(ctx: Context, service: Service, mistake?: string): Promise<void> {
  const identifier: string = ctx['params']['identifier']
  const model = await perform(ctx, service, modelShow, { identifier })
  consolePage(ctx, {
    title: model.name, current: 'models', ...mistake !== undefined && { status: 400 },
    body: modelPage(ctx, {
      model, mistake, phones: await phonesOfModel(service.db, identifier, service.now()), mayApprove: mayPerform(ctx, modelApprove), doneText: doneText(ctx), now: service.now(),
    }),
  })
}

/** What it reaches is counted first. */
async function withdraw(ctx: Context, service: Service, form: Form): Promise<void> {
  let change: { id: string }
  try {
    change = await perform(ctx, service, policyPreview, { edit: { kind: 'withdraw', approvals: [form.get('approval')] } })
  } catch (error) {
    return await show(ctx, service, refusalOf(error, 'approval-not-found'))
  }
  ctx.redirect(`/console/policy/changes/${change.id}`)
  ctx.status = 303
}
