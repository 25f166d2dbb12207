// Draws the API description; the address of the document stands on the element it is drawn into.
"use strict";

const place = document.getElementById("api-docs");

window.SwaggerUIBundle({
  url: place.dataset.url,
  domNode: place,
  // Nothing is sent to a validator of others, and no key is kept in the browser.
  validatorUrl: null,
  persistAuthorization: false,
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  docExpansion: "none",
  filter: true,
  operationsSorter: "alpha",
  tagsSorter: "alpha",
  // The page has its main landmark already; a second one confuses who jumps between them.
  onComplete: () => place.querySelector("main")?.setAttribute("role", "presentation"),
});
