import type { Command } from 'commander'
import { leaf, type World } from './command.ts'

export function serveCommand(root: Command, world: World): void {
  leaf(root, world, 'serve', 'run the service (what npm start does)', async () => {
    // Only here, so that other commands do not load a database.
    const { serve } = await import('../serve.ts')
    const running = await serve({ env: world.env })
    const stop = (): void => { running.stop().then(() => process.exit(0), () => process.exit(1)) }
    process.once('SIGTERM', stop)
    process.once('SIGINT', stop)
  })
}
