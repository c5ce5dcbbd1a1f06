// A process that runs jobs, one after another, as lab.ts sends them.
import { runJob, type Job } from './lab-run.ts';

process.on('message', (job: Job) => {
  runJob(job).then((outcome) => process.send?.(outcome), (error: unknown) => {
    console.error(job, error);
    process.exit(1);
  });
});
