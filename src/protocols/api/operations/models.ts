import { z } from 'zod'
import { modelsMatching, type Catalogue, type DeviceModel } from '../../../devices/catalogue.ts'
import { modelsOfPreset, presetNames } from '../../../devices/presets.ts'
import { CaError } from '../../../errors.ts'
import { covers } from '../../../policy/approvals.ts'
import type { Approval } from '../../../policy/rules.ts'
import { productTypesSeen } from '../../../store/models-seen.ts'
import { policyStore } from '../../../store/policy.ts'
import { keyIn, page, pageInput, pageOf, text } from '../fields.ts'
import { operation } from '../operation.ts'
import { approvalView, viewOfApproval } from './approval-view.ts'

const documented = z.boolean().nullable()
const modelFields = {
  identifier: z.string(), name: z.string(), family: z.string(), released: z.string().nullable(),
  storageEncryption: documented, dataProtection: documented, secureEnclave: z.boolean(), canAttest: z.boolean(), attestsModel: z.boolean(),
  stillSupported: documented, minOS: z.string().nullable(), maxOS: z.string().nullable(),
  /** Approvals in force that cover the model. */
  approvals: z.array(approvalView),
  /** A phone here says that it is this model. */
  seen: z.boolean(),
}
const modelView = z.strictObject(modelFields)
const buildView = z.strictObject({ build: z.string(), version: z.string().nullable(), released: z.string().nullable(), kind: z.string() })
const modelDetail = z.strictObject({
  ...modelFields, soc: z.string(), easModel: z.string().nullable(), boards: z.array(z.string()), modelNumbers: z.array(z.string()),
  notes: z.array(z.string()), builds: z.array(buildView),
})

function viewOf(model: DeviceModel, approvals: readonly Approval[], seen: ReadonlySet<string>): z.input<typeof modelView> {
  const { identifier, name, family, released, dataProtection, secureEnclave, attestsModel, minOS, maxOS } = model
  return {
    identifier, name, family, released, storageEncryption: model.hardwareEncryption, dataProtection, secureEnclave, attestsModel,
    canAttest: model.managedDeviceAttestation, stillSupported: model.maxOSOpen, minOS, maxOS,
    approvals: approvals.filter(approval => covers(approval, identifier)).map(viewOfApproval), seen: seen.has(identifier),
  }
}

export type ModelView = z.input<typeof modelView>
export type ModelDetail = z.input<typeof modelDetail>

export const modelList = operation({
  id: 'modelList', method: 'get', path: '/models', role: 'auditor',
  summary: 'Models of the catalogue, with the approvals that cover them.',
  input: z.strictObject({
    /** A product type or a wildcard over product types. */
    pattern: text(64).optional(),
    preset: z.enum(presetNames as [typeof presetNames[number]]).optional(),
    approved: z.stringbool().optional(),
    ...pageInput,
  }),
  output: pageOf(modelView),
  async run(service, _actor, { pattern = '*', preset, approved, limit, cursor }) {
    const catalogue = service.catalogue()
    const approvals = await policyStore(service.db).approvals(service.now())
    const seen = new Set(await productTypesSeen(service.db))
    const ofPreset = preset === undefined ? undefined : new Set(modelsOfPreset(catalogue, preset))
    const models = modelsMatching(catalogue, pattern)
      .filter(model => ofPreset?.has(model) ?? true)
      .filter(model => approved === undefined || approvals.some(approval => covers(approval, model.identifier)) === approved)
    const after = keyIn(cursor, key => key)
    const start = after === undefined ? 0 : models.findIndex(model => model.identifier === after) + 1
    return page(models.slice(start, start + limit + 1), limit, model => model.identifier, model => viewOf(model, approvals, seen))
  },
})

export const modelShow = operation({
  id: 'modelShow', method: 'get', path: '/models/{identifier}', role: 'auditor',
  summary: 'Everything the catalogue says of one model.',
  input: z.strictObject({ identifier: text(64) }),
  output: modelDetail,
  async run(service, _actor, { identifier }) {
    const catalogue = service.catalogue()
    const model = modelNamed(catalogue, identifier)
    const approvals = await policyStore(service.db).approvals(service.now())
    const builds = [...catalogue.builds.values()].filter(build => build.productTypes.includes(identifier))
      .map(({ build, version, released, kind }) => ({ build, version, released, kind }))
    return {
      ...viewOf(model, approvals, new Set(await productTypesSeen(service.db))), soc: model.soc, easModel: model.easModel, boards: [...model.boards],
      modelNumbers: [...model.modelNumbers], notes: [...model.notes], builds,
    }
  },
})

/** @throws {CaError} device-model-unknown, with the identifier of what may have been meant */
export function modelNamed(catalogue: Catalogue, identifier: string): DeviceModel {
  const model = catalogue.models.get(identifier)
  if (model !== undefined) return model
  const wanted = identifier.toLowerCase()
  const near = [...catalogue.models.values()].filter(({ identifier: other, name }) => other.toLowerCase() === wanted || name.toLowerCase() === wanted)
  const hint = near.length === 0 ? '' : `; by that name there is ${near.slice(0, 5).map(other => `${other.identifier} (${other.name})`).join(', ')}`
  throw new CaError('device-model-unknown', `the catalogue has no model with this identifier${hint}`)
}
