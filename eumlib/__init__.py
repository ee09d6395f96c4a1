"""Unmask face embeddings: the small library under the notebooks.

Modules import in one direction only, in the order in which the data flows::

    files · provenance · weights · progress · printing · threads · fetching
    decoding · generator · faces · folders · datasets · pairs
    mtcnn · detection · landmarks · alignment
    flat_masks · mask_textures · mask_fitting · lifelike_masks · masks · mask_plans
    recogniser · dlib_resnet · arcface · backbones
    acquisition · embeddings · extraction · failures
    mated · triplets · negatives · losses
    unmasking · validation · recipes · descent · training
    comparison · identification · verification · resampling · measurement
    evaluation · folds · breakdowns · judging
    conditions · baselines · cases · study
    projection · pictures · figures · curves · circle · widgets · playground
    exploring · joint_maps · view_pictures · colouring · explorer_page
    view_cards · map_panels · live_maps · explorer
    sliding · threshold_explorer · training_explorer
    results · workbook · parameters · redaction · running · resuming · walking
    manifest · differences · pages · report · report_commands · face_commands
    model_commands · doctor
    answers · face_exercises · rate_exercises · reading_exercises · loss_exercises
    exercises · student
"""

__version__ = "0.1.0"
