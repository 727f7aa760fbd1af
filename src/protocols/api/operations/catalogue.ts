import { z } from 'zod'
import { mergeCatalogue, parseCatalogue, type Catalogue, type CatalogueUpdate } from '../../../devices/catalogue.ts'
import { change } from '../../../http/change.ts'
import { addCatalogueUpdate, lockCatalogueUpdate } from '../../../store/catalogue.ts'
import { nothing, text } from '../fields.ts'
import { operation } from '../operation.ts'

const catalogueView = z.strictObject({ version: z.string(), models: z.int(), builds: z.int() })
const viewOf = ({ version, models, builds }: Catalogue): z.input<typeof catalogueView> => ({ version, models: models.size, builds: builds.size })

export const catalogueShow = operation({
  id: 'catalogueShow', method: 'get', path: '/catalogue', role: 'auditor',
  summary: 'Which catalogue of models and builds is in use.',
  input: nothing,
  output: catalogueView,
  run: async service => viewOf(service.catalogue()),
})

export const catalogueUpdate = operation({
  id: 'catalogueUpdate', method: 'put', path: '/catalogue', role: 'admin', maxBodyBytes: 16 * 1024 * 1024,
  summary: 'Bring newer models and builds: rows replace those of the same identifier or build, nothing is taken out.',
  // Rows are checked as a catalogue file, so that the refusal names the place in the file.
  input: z.strictObject({ version: text(40).optional(), models: z.array(z.unknown()).optional(), builds: z.array(z.unknown()).optional() }),
  output: catalogueView,
  async run(service, actor, input) {
    const update = parseCatalogue(JSON.stringify(input))
    await change(service, actor, async (tx, record, now) => {
      await addCatalogueUpdate(tx, joined(await lockCatalogueUpdate(tx), update), now, actor.name)
      await record('catalogue.update', 'catalogue', { version: update.version ?? null, models: update.models?.length ?? 0, builds: update.builds?.length ?? 0 })
    })
    await service.reload()
    return viewOf(service.catalogue())
  },
})

/** Both updates as one, the later over the earlier. */
function joined(earlier: CatalogueUpdate | undefined, later: CatalogueUpdate): CatalogueUpdate {
  const empty: Catalogue = { models: new Map(), builds: new Map(), version: '' }
  const { models, builds, version } = mergeCatalogue(earlier === undefined ? empty : mergeCatalogue(empty, earlier), later)
  return { models: [...models.values()], builds: [...builds.values()], ...version === '' ? {} : { version } }
}
