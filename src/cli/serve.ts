import type { Command } from 'commander'
import { leaf, type World } from './command.ts'

export function serveCommand(root: Command, world: World): void {
  leaf(root, world, 'serve', 'run the service (what npm start does)', async () => {
    // Only here, so that other commands do not load a database.
    const { serve, stopOnSignal } = await import('../serve.ts')
    stopOnSignal(await serve({ env: world.env }))
  })
}
