"""What moves a face beside the motion network: wishes, moods, blinks, another face; and the photo's own pixels with it.

controls: what can be asked of a face, from degrees of turn to a wink, as settings, without torch.
answers: what was found of one face by trying, found once.
expression: one face's answer to the controls, found by trying; a pose.
tracks: things that happen at moments drawn from a seed, the same at any frame rate.
eyes: blinks, glances, and irises that move in a photo.
sway: the head leans and shifts in the picture; the halves of a face.
moods: named motions, such as talking: what is laid over the learned motion.
steady: what a motion must leave as it is, light and glasses.
path: all of it at the moments of a clip, before it is drawn.
driver: motion from a video.
follower: how a face does what a driver does; where it lacks something, that is seen and added.
group: several faces of one photo, and which places move with which.
photo_layer: the photo's own pixels, carried by the motion.
styled_layer: a style's picture of the photo, carried likewise.
"""
