// dicomweb-client as in a browser: "URL STUDY SERIES INSTANCE FILE"; what came is told as JSON.
global.XMLHttpRequest = require("xhr2");
const crypto = require("crypto");
const fs = require("fs");
const { api } = require("dicomweb-client");

const [url, studyInstanceUID, seriesInstanceUID, sopInstanceUID, file] = process.argv.slice(2);
const digest = (data) => crypto.createHash("sha256").update(Buffer.from(data)).digest("hex");
const first = (found, tag) => found[tag].Value[0];

async function main() {
  const client = new api.DICOMwebClient({ url });
  const told = {};
  const studies = await client.searchForStudies({ queryParams: { PatientName: "*compressed*", limit: 10 } });
  told.studies = studies.map((one) => first(one, "0020000D"));
  told.series = (await client.searchForSeries({ studyInstanceUID })).map((one) => first(one, "0020000E"));
  told.instances = (await client.searchForInstances({ studyInstanceUID, seriesInstanceUID })).length;
  told.metadata = (await client.retrieveSeriesMetadata({ studyInstanceUID, seriesInstanceUID })).length;
  const where = { studyInstanceUID, seriesInstanceUID, sopInstanceUID };
  const [metadata] = await client.retrieveInstanceMetadata(where);
  told.rows = first(metadata, "00280010");
  told.frames = (await client.retrieveInstanceFrames({ ...where, frameNumbers: [1] })).map(digest);
  told.instance = digest(await client.retrieveInstance(where));
  told.whole = (await client.retrieveSeries({ studyInstanceUID, seriesInstanceUID })).length;
  const [picture] = await client.retrieveInstanceRendered({ ...where, mediaTypes: [{ mediaType: "image/png" }] });
  told.rendered = Buffer.from(picture).toString("latin1", 1, 4);
  const data = fs.readFileSync(file);
  const exact = data.buffer.slice(data.byteOffset, data.byteOffset + data.length);
  await client.storeInstances({ datasets: [exact] });
  try {
    await client.retrieveStudyMetadata({ studyInstanceUID: "1.2.3.4.5.6" });
  } catch (error) {
    told.missing = error.status;
  }
  console.log(JSON.stringify(told));
}

main().catch((error) => {
  console.error(error.status || "", error.message, error.stack);
  process.exit(1);
});
